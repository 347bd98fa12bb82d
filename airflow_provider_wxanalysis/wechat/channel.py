"""The connections of one app, to WeChat and to a token server, and the exchanges over them.

Connections are opened by :mod:`~airflow_provider_wxanalysis.wechat.routes`; replies are read by
:mod:`~airflow_provider_wxanalysis.wechat.wire`.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import requests
from urllib3.util import wait_for_read

from airflow_provider_wxanalysis import __version__
from airflow_provider_wxanalysis.wechat.routes import Route, find_route
from airflow_provider_wxanalysis.wechat.wire import Received, read_reply

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.wechat.settings import Settings

USER_AGENT = f"airflow-provider-wxanalysis/{__version__}"
_HEADERS = f"User-Agent: {USER_AGENT}\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"


@dataclass(frozen=True)
class Outgoing:
    """What to send. Its ``repr`` shows none of it, since any part may hold a secret.

    :param url: where to. It is parsed once, so put what varies into ``query``.
    :param query: parameters to add to the address.
    :param body: JSON to post; ``None`` for a GET.
    :param headers: additional headers.
    """

    url: str = field(repr=False)
    query: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def at(self, base: str) -> Outgoing:
        """Return the same request to a path below ``base``."""
        return replace(self, url=base + self.url)


class Channel:
    """Open connections, shared between threads but not between processes.

    :param settings: the app's connection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hosts: dict[str, _Host] = {}
        self._busy: dict[int, Any] = {}
        self._pid = os.getpid()
        self._closed = False

    def reaches(self, url: str) -> bool:
        """Whether the host was reached when it was last tried."""
        return self._host(url)[0].reached

    def reach(self, url: str) -> None:
        """Open a connection, for the next exchange to use.

        :raises OSError, urllib3.exceptions.HTTPError: if the host cannot be reached.
        """
        host, _ = self._host(url)
        connection = self._open(host)
        host.fresh.append(connection)
        if self._closed:
            connection.close()

    def exchange(self, request: Outgoing) -> Received:
        """Send a request, POST if it has a body, and return the reply.

        :raises OSError, ValueError, urllib3.exceptions.HTTPError: if no reply comes; the error may show the query.
        """
        host, target = self._host(request.url)
        timeout = self._settings.timeout
        with self._connection(host) as (connection, keep):
            connection.sock.settimeout(timeout)
            connection.sock.sendall(_message(host.route.host, target, request))
            reply = read_reply(connection.sock, timeout)
            if reply.reusable:
                keep()
        return reply

    def close(self) -> None:
        """End all exchanges and connections, for good; a signal handler may call it."""
        self._closed = True
        self.hang_up()

    def hang_up(self) -> None:
        """End all exchanges and connections; the next exchange opens a new one."""
        for connection in list(self._busy.values()):
            if os.getpid() == self._pid:  # else the parent's exchange would end too
                _hang_up(connection.sock)
        for host in list(self._hosts.values()):
            while connection := host.take():
                connection.close()

    @contextlib.contextmanager
    def _connection(self, host: _Host) -> Iterator[tuple[Any, Any]]:
        """Lend a connection, and a function that keeps it for another exchange; else it is closed afterwards."""
        kept: list[bool] = []
        connection = host.take() or self._open(host)
        self._busy[id(connection)] = connection
        try:
            if self._closed:
                raise ConnectionAbortedError("closed")
            yield connection, lambda: kept.append(True)
        finally:
            del self._busy[id(connection)]
            if kept:
                host.idle.append(connection)
            if not kept or self._closed:
                connection.close()

    def _open(self, host: _Host) -> Any:
        try:
            connection = host.route.open(self._settings.timeout)
        except BaseException:
            host.reached = False
            raise
        host.reached = True
        return connection

    def _host(self, url: str) -> tuple[_Host, str]:
        """Return an address's host, and the target to request there."""
        if os.getpid() != self._pid:  # two processes on one connection would read each other's replies
            inherited = [
                *self._busy.values(),
                *(each for host in self._hosts.values() for each in host.connections()),
            ]
            self._hosts, self._busy, self._pid = {}, {}, os.getpid()
            for connection in inherited:
                connection.close()
        origin, target = _address(url)
        if origin not in self._hosts:
            self._hosts.setdefault(origin, _Host(find_route(origin, self._settings)))
        return self._hosts[origin], target


class _Host:
    """A host's route and the idle connections to it."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.idle: deque[Any] = deque()
        self.fresh: deque[Any] = deque()
        self.reached = False

    def connections(self) -> list[Any]:
        """Return all idle connections."""
        return [*self.fresh, *self.idle]

    def take(self) -> Any:
        """Take a connection that is still good; ``None`` if there is none."""
        with contextlib.suppress(IndexError):
            return self.fresh.pop()
        while True:
            try:
                connection = self.idle.pop()
            except IndexError:
                return None
            sock = connection.sock
            if sock is not None and not wait_for_read(sock, timeout=0):  # readable: ended, or unasked data
                return connection
            connection.close()


@lru_cache(maxsize=1024)
def _address(url: str) -> tuple[str, str]:
    """Return scheme, host and port of an address, and the target to request there, as requests writes them."""
    request = requests.PreparedRequest()
    request.prepare_url(url, {})
    parts = urlsplit(request.url or "")
    return f"{parts.scheme}://{parts.netloc}", request.path_url


def _message(host: str, target: str, request: Outgoing) -> bytes:
    """Return a request as it is sent: head and body in one piece."""
    if request.query:
        target += ("&" if "?" in target else "?") + urlencode(request.query)
    head = f"{target} HTTP/1.1\r\nHost: {host}\r\n{_HEADERS}{_lines(request.headers)}"
    if request.body is None:
        return f"GET {head}\r\n".encode("latin-1")
    content = f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(request.body)}\r\n"
    return f"POST {head}{content}\r\n".encode("latin-1") + request.body


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _hang_up(sock: Any) -> None:
    """Wake whoever waits for this socket.

    Calls the plain socket's own method: a TLS socket's drops its TLS state first, so that a thread about to send would
    send in plain text.
    """
    with contextlib.suppress(OSError, TypeError):
        socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)
