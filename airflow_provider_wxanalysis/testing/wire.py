"""HTTP/1.1 on a socket: read a request, deliver an answer as its faults demand."""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from airflow_provider_wxanalysis.testing.answers import Answer
from airflow_provider_wxanalysis.testing.request import Request

_PIECES = 10
_LARGEST_BODY = 1 << 20
_FLOOD = 1 << 16
_DIGITS = {10: re.compile("[0-9]{1,12}"), 16: re.compile("[0-9a-fA-F]{1,12}")}


class Listener(ThreadingHTTPServer):
    """A listening socket with one thread per connection.

    :param address: host and port.
    :param respond: makes an answer.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], respond: Callable[[Request], Answer]) -> None:
        self.respond = respond
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, _Connection)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True, name="wechat-server")

    def server_bind(self) -> None:
        """Bind, without looking up this machine's name, which can take seconds and serves no purpose."""
        socketserver.TCPServer.server_bind(self)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and wait until all threads are done."""
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was faster
                    continue
            self._changed.wait_for(lambda: not self._open, timeout=10)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection down before its thread starts, so that :meth:`stop` misses none."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection for good."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback, unless it is only a client that has gone."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every reply on a kept connection comes some 40 ms late

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the server keeps its own record of calls."""

    def _handle(self) -> None:
        raw = self._read_body()
        try:
            request = Request.parse(self.command, self.path, dict(self.headers.items()), raw)
        except ValueError:
            self.close_connection = True
            answer = Answer(status=400, text="The request's target is not a URL.", content_type="text/plain")
        else:
            answer = cast("Listener", self.server).respond(request)
        self._deliver(answer)

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length")
        if length is None:
            self._drain_chunks()
            return None
        size = _size(length, 10)
        if size is None:
            self.close_connection = True
            return None
        return self.rfile.read(size)

    def _drain_chunks(self) -> None:
        """Read a chunked body and forget it: a close with bytes unread would make the client miss the answer."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return
        total = 0
        while size := _size(self.rfile.readline(80).split(b";")[0].strip().decode("latin-1"), 16):
            self.rfile.read(size + 2)
            total += size
            if total > _LARGEST_BODY:
                break
        if size != 0 or self.rfile.readline(3) != b"\r\n":
            self.close_connection = True

    def _deliver(self, answer: Answer) -> None:
        stopping = cast("Listener", self.server).stopping
        if answer.delay and stopping.wait(answer.delay):
            self.close_connection = True
            return
        if answer.reset and not answer.cut:
            self._reset()
            return
        if answer.raw is not None:
            self._send_raw(answer, stopping)
            return
        body = answer.body
        if answer.cut or answer.endless is not None:
            self.close_connection = True
        lines = [
            f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
            f"Date: {self.date_time_string()}",
            f"Content-Type: {answer.content_type}",
            f"Connection: {'close' if self.close_connection else 'keep-alive'}",
        ]
        if answer.endless is None:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
        if answer.cut:
            body = body[: len(body) // 2]
        if answer.endless is not None:
            self.wfile.write(head)
            self._go_on(answer.rest, answer.endless, stopping)
        elif answer.spread:
            self.wfile.write(head)
            self._trickle(body, answer.spread, stopping)
        else:
            self.wfile.write(head + body)  # at once, in one packet where it fits
        if answer.reset:
            self._reset()

    def _reset(self) -> None:
        # Lingering for 0 seconds discards what was not sent and closes with an RST.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _send_raw(self, answer: Answer, stopping: threading.Event) -> None:
        self.close_connection = True
        # The last bytes and the end of the connection travel in one packet where that can be asked for.
        together = getattr(socket, "MSG_MORE", 0) if answer.endless is None else 0
        self.connection.sendall(answer.raw or b"", together)
        if answer.endless is not None:
            self._go_on(answer.rest, answer.endless, stopping)

    def _go_on(self, piece: bytes, pause: float, stopping: threading.Event) -> None:
        piece = piece if pause else piece * (_FLOOD // len(piece))
        while not stopping.wait(pause):
            self.wfile.write(piece)  # until the client has gone: then it raises OSError

    def _trickle(self, body: bytes, seconds: float, stopping: threading.Event) -> None:
        size = max(1, len(body) // _PIECES)
        end = time.monotonic() + seconds
        for start in range(0, len(body), size):
            left = len(range(start, len(body), size))
            if stopping.wait(max(0.0, end - time.monotonic()) / left):
                self.close_connection = True
                return
            self.wfile.write(body[start : start + size])


def _size(text: str, base: int) -> int | None:
    """Return how many bytes a client announces; ``None`` if that is not a number, or more than any request has."""
    size = int(text, base) if _DIGITS[base].fullmatch(text) else None
    return size if size is not None and size <= _LARGEST_BODY else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
