"""A recording proxy in front of a server: shows what the client really sent, answers in its stead on request.

It is for what a local server cannot show: request sizes, job locations, queue limits, serialization errors, refused
permissions, requests and replies that get lost or come late.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Exchange:
    """One request and what was answered, and when, by the clock that all processes share."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    status: int = 0
    answer: bytes = b""
    starts_at: float = field(default_factory=time.monotonic)
    ends_at: float = 0.0

    @property
    def body(self) -> Any:
        """The request's JSON body."""
        return json.loads(self.raw) if self.raw else None

    @property
    def sql(self) -> str:
        """The statement, if the request runs one."""
        body = self.body if self.method == "POST" and self.raw else {}
        return body.get("query") or body.get("configuration", {}).get("query", {}).get("query", "")

    @property
    def job_id(self) -> str | None:
        """The job id that the request chooses."""
        return ((self.body or {}).get("jobReference") or {}).get("jobId")


#: Looks at a request and returns (status, body) to answer in the server's stead, ``DROP`` to forward it and lose the
#: reply, ``LOST`` to lose the request, or ``None`` to forward it. It may take its time, change ``raw``, or forward.
Rule = Callable[[Exchange], "tuple[int, dict[str, Any]] | str | None"]
DROP = "drop"
LOST = "lost"
#: Headers that the proxy's own connection to the server sets.
_HOP_HEADERS = ("host", "accept-encoding", "content-length", "connection")


def api_error(status: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    """Return an error answer in BigQuery's form."""
    detail = {"message": message, "domain": "global", "reason": reason}
    return status, {"error": {"code": status, "message": message, "errors": [detail]}}


class Proxy:
    """The proxy's record and rules."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.exchanges: list[Exchange] = []
        self.rules: list[Rule] = []
        self.url = ""

    def statements(self, word: str) -> list[Exchange]:
        """Return the requests that ran a statement beginning with ``word``."""
        return [exchange for exchange in self.exchanges if exchange.sql.startswith(word)]

    def forward(self, exchange: Exchange) -> None:
        """Ask the server itself."""
        connection = HTTPConnection(self.upstream.hostname or "", self.upstream.port, timeout=120)
        try:
            connection.request(exchange.method, exchange.path, exchange.raw or None, exchange.headers)
            response = connection.getresponse()
            exchange.status, exchange.answer = response.status, response.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback, unless it is only a client that has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def recording_proxy(upstream: str) -> Iterator[Proxy]:
    """Run a proxy in front of ``upstream``."""
    proxy = Proxy(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_HEADERS}
            exchange = Exchange(self.command, self.path, headers, raw)
            proxy.exchanges.append(exchange)
            verdict = next((found for rule in proxy.rules if (found := rule(exchange)) is not None), None)
            if isinstance(verdict, tuple):
                exchange.status, exchange.answer = verdict[0], json.dumps(verdict[1]).encode()
            elif verdict != LOST:
                proxy.forward(exchange)
            if verdict in (DROP, LOST):
                self.close_connection = True
                self.connection.close()
                return
            exchange.ends_at = time.monotonic()
            self.send_response(exchange.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(exchange.answer)))
            self.end_headers()
            self.wfile.write(exchange.answer)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

        def log_message(self, *args: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
