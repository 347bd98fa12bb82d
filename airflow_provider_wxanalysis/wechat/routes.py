"""The way to a host: proxy and certificates as companies set them, worked out once per process because that is slow.

requests chooses proxy and CA bundle, urllib3 opens connections.
"""

from __future__ import annotations

import os
import ssl
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.exceptions import HTTPError, ProxyError
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

from airflow_provider_wxanalysis.wechat.addresses import is_loopback, proxy_url

if TYPE_CHECKING:
    import urllib3

    from airflow_provider_wxanalysis.wechat.settings import Settings

#: What requests reads in the environment.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_VARIABLES = (*_PROXIES, *map(str.upper, _PROXIES), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_Given = tuple[tuple[str, str], ...] | None
_loading = threading.Lock()


class Route:
    """The way to a host. It holds no connection and nothing of an app, so that apps and threads share it.

    :param origin: scheme, host and port.
    :param proxies: a proxy's URL by scheme; empty without one.
    :param verify: whether to check certificates, or the path of a CA bundle.
    """

    def __init__(self, origin: str, proxies: dict[str, str], verify: bool | str) -> None:
        request, adapter = requests.Request("GET", origin).prepare(), HTTPAdapter()
        self._pool: urllib3.HTTPConnectionPool = adapter.get_connection_with_tls_context(request, verify, proxies)
        adapter.cert_verify(self._pool, origin, verify, None)
        self.host = origin.partition("://")[2]

    def open(self, timeout: float) -> Any:
        """Open a connection, as urllib3's pool would before a request.

        :param timeout: seconds to wait for it.
        :raises OSError, urllib3.exceptions.HTTPError: if the host cannot be reached.
        """
        connection: Any = self._pool._new_conn()
        connection.timeout = timeout
        connection.set_debuglevel(0)  # debug output would print a proxy's password
        self._share_certificates(connection)
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

    def _share_certificates(self, connection: Any) -> None:
        """Give a connection the CA bundle that is loaded already; urllib3 would load it for each, in 30 ms or more."""
        proxy = self._pool.proxy
        if self._pool.scheme != "https" or (proxy is not None and proxy.scheme == "https"):  # the proxy wants it too
            return
        if connection.ssl_context is None:
            connection.ssl_context = trust(connection.cert_reqs, connection.ca_certs, connection.ca_cert_dir)
            connection.ca_certs = connection.ca_cert_dir = None


def find_route(origin: str, settings: Settings) -> Route:
    """Return the way to a host.

    :param origin: scheme, host and port.
    :param settings: the app's connection.
    :raises ConfigurationError: if the proxy's address cannot work.
    """
    return _route(origin, settings.verify, _given(settings), _environment())


def surroundings(url: str, settings: Settings) -> tuple[dict[str, str], bool | str]:
    """Return the proxies and the certificates for an address: the connection's, or else the environment's.

    :raises ConfigurationError: if the proxy's address cannot work.
    """
    return _surroundings(url, settings.verify, _given(settings))


def trust(cert_reqs: Any, ca_certs: str | None, ca_cert_dir: str | None) -> ssl.SSLContext:
    """Return the certificates to trust, loaded again only if the file has changed."""
    bundle = ca_certs or ca_cert_dir
    with _loading:  # or all threads would load it at a task's start
        return _trust(cert_reqs, ca_certs, ca_cert_dir, os.stat(bundle).st_mtime_ns if bundle else 0)


@lru_cache(maxsize=16)
def _trust(cert_reqs: Any, ca_certs: str | None, ca_cert_dir: str | None, changed: int) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=resolve_cert_reqs(cert_reqs))
    if ca_certs or ca_cert_dir:
        context.load_verify_locations(ca_certs, ca_cert_dir)
    return context


@lru_cache(maxsize=256)
def _route(origin: str, verify: bool | str, given: _Given, environment: tuple[str | None, ...]) -> Route:
    return Route(origin, *_surroundings(origin, verify, given))


def _surroundings(url: str, verify: bool | str, given: _Given) -> tuple[dict[str, str], bool | str]:
    with requests.Session() as session:
        found = session.merge_environment_settings(url, {}, None, verify, None)
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    if scheme == "http" and is_loopback(host or ""):  # plain text, so it must not leave this machine
        return {}, found["verify"]
    proxy = select_proxy(url, found["proxies"] if given is None else dict(given))
    name = f"{scheme.upper()}_PROXY in the environment" if given is None else "proxies"
    return {scheme: proxy_url(name, proxy)} if proxy else {}, found["verify"]


def _given(settings: Settings) -> _Given:
    return None if settings.proxies is None else tuple(settings.proxies.items())


def _environment() -> tuple[str | None, ...]:
    return tuple(map(os.environ.get, _VARIABLES))
