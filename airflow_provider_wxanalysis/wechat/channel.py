"""The connections of one app, to WeChat and to a token server, through corporate proxies and certificates.

requests chooses proxy and CA bundle, urllib3 opens connections; the HTTP exchange itself is done here and in
:mod:`~airflow_provider_wxanalysis.wechat.wire`.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.exceptions import HTTPError, ProxyError
from urllib3.util import wait_for_read

from airflow_provider_wxanalysis import __version__
from airflow_provider_wxanalysis.wechat.addresses import is_loopback, proxy_url
from airflow_provider_wxanalysis.wechat.wire import Received, read_reply

if TYPE_CHECKING:
    import urllib3

    from airflow_provider_wxanalysis.wechat.settings import Settings

USER_AGENT = f"airflow-provider-wxanalysis/{__version__}"


@dataclass(frozen=True)
class Outgoing:
    """What to send. Its ``repr`` shows none of it, since any part may hold a secret.

    :param url: where to. Routes are cached by it, so put what varies into ``query``.
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
        self._routes: dict[str, _Route] = {}
        self._addresses: dict[str, tuple[_Route, str]] = {}
        self._busy: dict[int, Any] = {}
        self._pid = os.getpid()
        self._closed = False

    def reaches(self, url: str) -> bool:
        """Whether the host was reached when it was last tried."""
        return self._route(url)[0].reached

    def reach(self, url: str) -> None:
        """Open a connection, for the next exchange to use.

        :raises OSError, urllib3.exceptions.HTTPError: if the host cannot be reached.
        """
        route, _ = self._route(url)
        connection = self._open(route)
        route.fresh.append(connection)
        if self._closed:
            connection.close()

    def exchange(self, request: Outgoing) -> Received:
        """Send a request, POST if it has a body, and return the reply.

        :raises OSError, ValueError, urllib3.exceptions.HTTPError: if no reply comes; the error may show the query.
        """
        route, target = self._route(request.url)
        timeout = self._settings.timeout
        with self._connection(route) as (connection, keep):
            connection.sock.settimeout(timeout)
            connection.sock.sendall(route.message(target, request))
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
        for route in list(self._routes.values()):
            while connection := route.take():
                connection.close()

    @contextlib.contextmanager
    def _connection(self, route: _Route) -> Iterator[tuple[Any, Any]]:
        """Lend a connection, and a function that keeps it for another exchange; else it is closed afterwards."""
        kept: list[bool] = []
        connection = route.take() or self._open(route)
        self._busy[id(connection)] = connection
        try:
            if self._closed:
                raise ConnectionAbortedError("closed")
            yield connection, lambda: kept.append(True)
        finally:
            del self._busy[id(connection)]
            if kept:
                route.idle.append(connection)
            if not kept or self._closed:
                connection.close()

    def _open(self, route: _Route) -> Any:
        try:
            connection = route.open(self._settings.timeout)
        except BaseException:
            route.reached = False
            raise
        route.reached = True
        return connection

    def _route(self, url: str) -> tuple[_Route, str]:
        """Return the route to an address's host, and the target to request there."""
        if os.getpid() != self._pid:  # two processes on one connection would read each other's replies
            inherited = [
                *self._busy.values(),
                *(each for route in self._routes.values() for each in route.connections()),
            ]
            self._routes, self._addresses, self._busy, self._pid = {}, {}, {}, os.getpid()
            for connection in inherited:
                connection.close()
        if url not in self._addresses:
            request = requests.Request("GET", url).prepare()
            parts = urlsplit(request.url or "")
            origin = f"{parts.scheme}://{parts.netloc}"
            if origin not in self._routes:
                self._routes.setdefault(origin, _Route(origin, self._settings))
            self._addresses[url] = self._routes[origin], request.path_url
        return self._addresses[url]


class _Route:
    """The route to a host, found once because that is slow, and its idle connections."""

    def __init__(self, origin: str, settings: Settings) -> None:
        proxies, verify = surroundings(origin, settings)
        request, adapter = requests.Request("GET", origin).prepare(), HTTPAdapter()
        self._pool: urllib3.HTTPConnectionPool = adapter.get_connection_with_tls_context(request, verify, proxies)
        adapter.cert_verify(self._pool, origin, verify, None)
        self.host = origin.partition("://")[2]
        self._headers = _lines({"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"})
        self.idle: deque[Any] = deque()
        self.fresh: deque[Any] = deque()
        self.reached = False

    def message(self, target: str, request: Outgoing) -> bytes:
        """Return a request as it is sent: head and body in one piece."""
        if request.query:
            target += ("&" if "?" in target else "?") + urlencode(request.query)
        head = f"{target} HTTP/1.1\r\nHost: {self.host}\r\n{self._headers}{_lines(request.headers)}"
        if request.body is None:
            return f"GET {head}\r\n".encode("latin-1")
        content = f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(request.body)}\r\n"
        return f"POST {head}{content}\r\n".encode("latin-1") + request.body

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

    def open(self, timeout: float) -> Any:
        """Open a connection, as urllib3's pool would before a request."""
        connection: Any = self._pool._new_conn()
        connection.timeout = timeout
        connection.set_debuglevel(0)  # debug output would print a proxy's password
        try:
            if self._pool.proxy is not None:
                self._pool._prepare_proxy(connection)
            if connection.sock is None:
                connection.connect()
        except BaseException as error:
            connection.close()
            if (
                isinstance(error, (OSError, HTTPError))
                and self._pool.proxy is not None
                and not connection.has_connected_to_proxy
            ):
                raise ProxyError("not reached", error) from error
            raise
        return connection


def surroundings(url: str, settings: Settings) -> tuple[dict[str, str], bool | str]:
    """Return the proxies and the certificates for an address: the connection's, or else the environment's.

    :raises ConfigurationError: if the proxy's address cannot work.
    """
    with requests.Session() as session:
        found = session.merge_environment_settings(url, {}, None, settings.verify, None)
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    if scheme == "http" and is_loopback(host or ""):  # plain text, so it must not leave this machine
        return {}, found["verify"]
    proxy = select_proxy(url, found["proxies"] if settings.proxies is None else dict(settings.proxies))
    name = f"{scheme.upper()}_PROXY in the environment" if settings.proxies is None else "proxies"
    return {scheme: proxy_url(name, proxy)} if proxy else {}, found["verify"]


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _hang_up(sock: Any) -> None:
    """Wake whoever waits for this socket.

    Calls the plain socket's own method: a TLS socket's drops its TLS state first, so that a thread about to send would
    send in plain text.
    """
    with contextlib.suppress(OSError, TypeError):
        socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)
