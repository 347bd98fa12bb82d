"""Exchanges with WeChat and token servers: requests' ways through proxies and TLS, without its cost per call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import requests
import urllib3
from requests.adapters import HTTPAdapter

from airflow_provider_wxanalysis.wechat.replies import read_body

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.wechat.settings import Settings


class Channel(HTTPAdapter):
    """A session's adapter that finds the way to an address once; the session alone would find it anew for each call.

    :param session: whose headers, proxies and environment count.
    :param settings: the app's connection.
    """

    def __init__(self, session: requests.Session, settings: Settings) -> None:
        super().__init__(pool_maxsize=settings.max_concurrency)
        self._session = session
        self._settings = settings
        self._ways: dict[str, _Way] = {}

    def exchange(
        self,
        url: str,
        *,
        query: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        """Send a request, POST if it has a body, and return status and headers with the whole body of the reply.

        :param url: where to; calls to one address should differ in the query alone.
        :param query: what to add to the address.
        :param body: JSON to post.
        :param headers: headers beside the session's own.
        :raises OSError, ValueError, urllib3.exceptions.HTTPError: if there is no reply; they may show the query.
        """
        way = self._ways.get(url) or self._find(url)
        timeout = self._settings.timeout
        target = way.target
        if query:
            target += ("&" if "?" in target else "?") + urlencode(query)
        method, content = ("GET", {}) if body is None else ("POST", _JSON)
        with way.pool.urlopen(
            method,
            target,
            body,
            {**way.headers, **content, **(headers or {})},
            retries=_NEVER,
            redirect=False,
            assert_same_host=False,
            timeout=timeout,
            preload_content=False,
            decode_content=False,
        ) as response:
            return response, read_body(response, timeout)

    def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        self._ways.clear()
        super().close()

    def _find(self, url: str) -> _Way:
        request = self._session.prepare_request(requests.Request("GET", url, auth=_no_auth))
        how = self._session.merge_environment_settings(url, {}, True, self._settings.verify, None)
        pool = self.get_connection_with_tls_context(request, how["verify"], how["proxies"], how["cert"])
        self.cert_verify(pool, url, how["verify"], how["cert"])
        headers = {name: str(value) for name, value in request.headers.items()}
        self._ways[url] = way = _Way(pool, self.request_url(request, how["proxies"]), headers)
        return way


class _Way(NamedTuple):
    pool: urllib3.HTTPConnectionPool
    target: str
    headers: Mapping[str, str]


#: Which calls are worth another is not known here. Made once, as urllib3 makes one per call of ``False``.
_NEVER = urllib3.Retry(False)
_JSON = {"Content-Type": "application/json; charset=utf-8"}


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
