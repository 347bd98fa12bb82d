"""One exchange on an open socket, in HTTP/1.1: bounded in time and size, and certain of where the reply ends.

Written here and not left to ``http.client``, because one deadline has to hold for all of a reply (interim replies,
heads, chunk sizes and trailers included), because a connection may be used again only if nothing came after the reply,
and because nothing may print the request, whose address holds the token.

.. seealso:: https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import contextlib
import re
import time
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_wxanalysis.wechat.waits import TICK

if TYPE_CHECKING:
    import socket

#: A reply must be complete within this many times the connection's ``timeout``, which bounds single waits only.
PATIENCE = 10
#: What goes into one BigQuery statement is under 8 MB; no reply of WeChat's comes near this.
MAX_REPLY_BYTES = 32 * 2**20
_MAX_HEAD_BYTES = 2**16
_PIECE = 2**16
_HEX = re.compile(rb"[0-9a-fA-F]{1,16}")
_GZIP = 16 + zlib.MAX_WBITS


class BrokenReplyError(OSError):
    """What came is not a whole reply in HTTP."""


class EndlessReplyError(BrokenReplyError):
    """A reply that does not end within its time or size."""


class Received(NamedTuple):
    """A reply.

    :param status: its status.
    :param headers: its headers, their names in lower case.
    :param body: its body; empty unless the status is 200, as no other is read.
    :param reusable: whether the connection is good for another request.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    reusable: bool


def read_reply(sock: socket.socket, timeout: float) -> Received:
    """Receive a reply.

    :param sock: what it comes from.
    :param timeout: seconds to wait for each piece of it.
    :raises BrokenReplyError: if it has no end, or is not complete.
    :raises OSError: if the connection fails.
    """
    stream = _Stream(sock, timeout)
    status, headers = _head(stream)
    while 100 <= status < 200:  # interim: the reply is yet to come
        status, headers = _head(stream)
    if status != 200:
        return Received(status, headers, b"", reusable=False)
    length, chunked = _framing(headers)
    if chunked:
        body = _chunks(stream)
    elif length is not None:
        body = stream.take(length)
    else:
        body = stream.rest()
    reusable = (chunked or length is not None) and "close" not in headers.get("connection", "").lower()
    return Received(status, headers, _decoded(body, headers), reusable and stream.empty)


class _Stream:
    """What a socket sends, until the deadline."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._sock = sock
        self._timeout = timeout
        self._seconds = timeout * PATIENCE
        self._ends_at = time.monotonic() + self._seconds
        self._buffer = bytearray()
        self._received = 0

    @property
    def empty(self) -> bool:
        """Whether everything received has been taken."""
        return not self._buffer

    def line(self) -> bytes:
        """Take a line, without its end."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _MAX_HEAD_BYTES:
                raise EndlessReplyError(f"sent a line of more than {_MAX_HEAD_BYTES // 2**10} kB")
            self._receive()
        return self.take(end + 1).rstrip(b"\r\n")

    def take(self, size: int) -> bytes:
        """Take ``size`` bytes."""
        if size > MAX_REPLY_BYTES:
            raise EndlessReplyError(_TOO_LARGE)
        while len(self._buffer) < size:
            self._receive()
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def rest(self) -> bytes:
        """Take all, until the other side closes the connection."""
        while self._receive(may_end=True):
            pass
        return self.take(len(self._buffer))

    def _receive(self, *, may_end: bool = False) -> bool:
        left = self._ends_at - time.monotonic()
        try:
            piece = self._wait(min(self._timeout, left))
        except TimeoutError:
            if left > self._timeout:
                raise
            raise EndlessReplyError(f"did not end its reply within {self._seconds:g} s") from None
        if not piece and not may_end:
            raise BrokenReplyError("closed the connection before its reply was whole")
        self._received += len(piece)
        if self._received > MAX_REPLY_BYTES:
            raise EndlessReplyError(_TOO_LARGE)
        self._buffer += piece
        return bool(piece)

    def _wait(self, seconds: float) -> bytes:
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            self._sock.settimeout(max(min(left, TICK), 0.001))  # 0 would not wait at all
            with contextlib.suppress(TimeoutError):
                return self._sock.recv(_PIECE)
        raise TimeoutError


def _head(stream: _Stream) -> tuple[int, dict[str, str]]:
    protocol, _, rest = stream.line().partition(b" ")
    code = rest[:3]
    if not protocol.startswith(b"HTTP/1.") or not (code.isdigit() and len(code) == 3):
        raise BrokenReplyError("answered with something that is not HTTP/1.1")
    headers = {} if protocol == b"HTTP/1.1" else {"connection": "close"}
    size = 0
    while line := stream.line():
        size += len(line)
        if size > _MAX_HEAD_BYTES:
            raise EndlessReplyError(f"sent headers of more than {_MAX_HEAD_BYTES // 2**10} kB")
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:  # what is not a header is left out, as browsers do
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return int(code), headers


def _framing(headers: Mapping[str, str]) -> tuple[int | None, bool]:
    """Return how long a body is, if that is known, and whether it comes in chunks."""
    coding = headers.get("transfer-encoding", "").lower()
    if coding not in ("", "chunked", "identity"):
        raise BrokenReplyError(f"sent a Transfer-Encoding that was not asked for: {coding[:100]}")
    lengths = {text.strip() for text in headers.get("content-length", "").split(",")} - {""}
    if len(lengths) > 1 or not all(text.isascii() and text.isdigit() and len(text) < 19 for text in lengths):
        raise BrokenReplyError("sent an unusable Content-Length")
    return (int(lengths.pop()) if lengths else None), coding == "chunked"


def _chunks(stream: _Stream) -> bytes:
    body = bytearray()
    while size := _chunk_size(stream.line()):
        body += stream.take(size)
        if stream.line():
            raise BrokenReplyError("sent a chunk that is longer than it says")
    while stream.line():  # trailers
        pass
    return bytes(body)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not _HEX.fullmatch(digits):
        raise BrokenReplyError("sent a chunk of unusable size")
    return int(digits, 16)


def _decoded(body: bytes, headers: Mapping[str, str]) -> bytes:
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise BrokenReplyError(f"sent a Content-Encoding that was not asked for: {coding[:100]}")
    plain = bytearray()
    while body:  # one compressed part after the other; nearly always there is one
        decoder = zlib.decompressobj(_GZIP)
        try:
            plain += decoder.decompress(body, MAX_REPLY_BYTES + 1 - len(plain))
        except zlib.error:
            raise BrokenReplyError("sent a body that is not gzip, although it says so") from None
        if len(plain) > MAX_REPLY_BYTES:
            raise EndlessReplyError(_TOO_LARGE)
        if not decoder.eof:
            raise BrokenReplyError("sent a compressed body that is not whole")
        body = decoder.unused_data
    return bytes(plain)


_TOO_LARGE = f"sent more than {MAX_REPLY_BYTES // 2**20} MB"
