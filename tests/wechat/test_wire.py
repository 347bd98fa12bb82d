"""Replies byte by byte: what is taken, what is refused, and that everything ends."""

from __future__ import annotations

import gzip
import random
import socket
import threading
from contextlib import contextmanager, suppress
from typing import cast

import pytest

from airflow_provider_wxanalysis.wechat import wire
from airflow_provider_wxanalysis.wechat.wire import BrokenReplyError, EndlessReplyError, read_reply

BODY = b'{"list": []}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"
MUTANTS = 3_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def sending(*pieces, pause=0.0, close=True, forever=False):
    """A socket from which these pieces come."""
    ours, theirs = socket.socketpair()
    over = threading.Event()

    def send():
        try:
            while True:
                for piece in pieces:
                    theirs.sendall(piece)
                    if pause and over.wait(pause):
                        return
                if not forever or over.is_set():
                    break
        except OSError:
            return  # whoever read has left
        if close:
            theirs.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with ours:
            yield ours
    finally:
        over.set()
        thread.join()
        theirs.close()


@pytest.mark.parametrize(
    ("sent", "body", "reusable"),
    [
        (HEAD + BODY, BODY, True),
        (HEAD.replace(b"\r\n", b"\n") + BODY, BODY, True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + HEAD + BODY, BODY, True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HEAD + BODY, BODY, True),
        (CHUNKED + b'5;x=y\r\n{"lis\r\n7\r\nt": []}\r\n0\r\nTrailer: 1\r\n\r\n', BODY, True),
        (b"HTTP/1.1 200 OK\r\nno colon in here\r\nContent-Length: 12\r\n\r\n" + BODY, BODY, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Length: 12\r\n\r\n" + BODY, BODY, True),
        (HEAD + BODY + b"HTTP/1.1 200 OK\r\n", BODY, False),
        (b"HTTP/1.1 200 OK\r\n\r\n" + BODY, BODY, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\n" + BODY, BODY, False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\n" + BODY, BODY, False),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", b"", False),
        (b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 12\r\n\r\n" + BODY, b"", False),
    ],
)
def test_replies(sent, body, reusable):
    with sending(sent) as sock:
        reply = read_reply(sock, 10)
    assert (reply.body, reply.reusable) == (body, reusable)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_replies_in_small_pieces(size):
    sent = CHUNKED + b'5\r\n{"lis\r\n7\r\nt": []}\r\n0\r\n\r\n'
    with sending(*(sent[start : start + size] for start in range(0, len(sent), size)), pause=0.0001) as sock:
        assert read_reply(sock, 10).body == BODY


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        HEAD + BODY[:-1],
        b"HTTP/1.1 200 OK\r\nContent-Length: 12, 13\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_2\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 12\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 12\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n" + gzip.compress(BODY, mtime=0)[:12],
        CHUNKED + b"c\r\n" + BODY,
        CHUNKED + b"c\r\n" + BODY + b"\r\n",
        CHUNKED + b"b\r\n" + BODY + b"\r\n0\r\n\r\n",
        CHUNKED + b"x\r\n" + BODY + b"\r\n0\r\n\r\n",
        CHUNKED + b"0xc\r\n" + BODY + b"\r\n0\r\n\r\n",
        CHUNKED + b"-1\r\n" + BODY + b"\r\n0\r\n\r\n",
        CHUNKED + b"fffffffffffffffffff\r\n" + BODY,
    ],
)
def test_what_is_not_a_whole_reply(sent):
    with sending(sent) as sock, pytest.raises(BrokenReplyError):
        read_reply(sock, 10)


ENDLESS = {
    "headers that drip": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "one header that drips": (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "interim replies": (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk size that drips": (CHUNKED, b"0"),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n"),
    "a body": (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("pause", [0.001, 0.0], ids=["slow", "fast"])
def test_nothing_is_without_end(monkeypatch, name, pause):
    """One deadline holds for all of a reply, and one bound for its size."""
    monkeypatch.setattr(wire, "PATIENCE", 0.02)
    monkeypatch.setattr(wire, "MAX_REPLY_BYTES", 2**18)
    first, rest = ENDLESS[name]
    words = "did not end its reply within" if pause else "sent more than|sent a line|sent headers"
    pieces = sending(rest if pause else rest * 1000, pause=pause, forever=True)
    with pieces as sock, pytest.raises(EndlessReplyError, match=words):
        read_reply(cast("socket.socket", _after(first, sock)), 10 if pause else 10_000)


class _after:
    """A socket with something in front of what it gives."""

    def __init__(self, first, sock):
        self._first, self._sock = first, sock

    def settimeout(self, seconds):
        self._sock.settimeout(seconds)

    def recv(self, size):
        first, self._first = self._first, b""
        return first or self._sock.recv(size)


def test_silence_ends_as_the_timeout_says():
    with sending(HEAD, close=False) as sock, pytest.raises(TimeoutError):
        read_reply(sock, 0.05)


@pytest.mark.parametrize("parts", [1, 3])
def test_gzip(parts):
    body = b"".join(gzip.compress(BODY, mtime=0) for _ in range(parts))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with sending(head + body) as sock:
        assert read_reply(sock, 10).body == BODY * parts


@pytest.mark.parametrize("parts", [1, 4])
def test_a_bomb_is_not_unpacked(monkeypatch, parts):
    monkeypatch.setattr(wire, "MAX_REPLY_BYTES", 2**20)
    body = gzip.compress(bytes(2**19)) * 2 * parts + gzip.compress(bytes(10))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with sending(head + body) as sock, pytest.raises(EndlessReplyError, match="sent more than"):
        read_reply(sock, 10)


def test_no_reply_of_thousands_does_harm():
    """Mutated replies end as replies or as errors of this module, and never as anything else."""
    dice = random.Random(20261126)
    seeds = [HEAD + BODY, CHUNKED + b'5\r\n{"lis\r\n7\r\nt": []}\r\n0\r\nX: y\r\n\r\n']
    taken = 0
    for _ in range(MUTANTS):
        sent = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 4)):
            where = dice.randrange(len(sent))
            sent[where : where + dice.randint(0, 2)] = bytes(dice.randbytes(dice.randint(0, 2)))
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(sent)
            theirs.shutdown(socket.SHUT_WR)
            with suppress(BrokenReplyError):
                taken += read_reply(ours, 1).status == 200
    assert taken
