"""A plain requests session for calls of your own, with the connection's proxies, certificates, time-out and token.

Neither its replies nor its errors hold a query, which carries the token: ``raise_for_status`` prints the reply's
address, and requests' own errors print the address requested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from airflow_provider_wxanalysis.wechat.channel import USER_AGENT
from airflow_provider_wxanalysis.wechat.redaction import redact
from airflow_provider_wxanalysis.wechat.routes import surroundings

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.wechat.settings import Settings


def plain_session(settings: Settings, get_token: Callable[[], str]) -> requests.Session:
    """Return a session that adds the access token to requests that go to the API's own host, and to no other.

    :param settings: the app's connection.
    :param get_token: returns a token.
    """
    session = requests.Session()
    session.trust_env = False  # the environment is read below, where the connection comes first
    proxies, session.verify = surroundings(settings.base_url, settings)
    session.proxies.update(proxies)
    session.headers["User-Agent"] = USER_AGENT
    session.auth = _TokenAuth(settings.base_url, get_token)
    for prefix in ("https://", "http://"):
        session.mount(prefix, _Adapter(settings.timeout))
    return session


class _Adapter(HTTPAdapter):
    """Waits as long as the connection says, unless the caller says otherwise."""

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections print no request, even where ``http.client`` is told to print them."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if pool.ConnectionCls.debuglevel or "debuglevel" not in vars(pool.ConnectionCls):
            pool.ConnectionCls = type("QuietConnection", (pool.ConnectionCls,), {"debuglevel": 0})
        return pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request."""
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        try:
            reply = super().send(request, *args, **kwargs)
        except requests.RequestException as error:
            failed = type(error)(redact(str(error)))
        else:
            reply.request = request.copy()
            reply.url = reply.request.url = redact(reply.url)
            return reply
        raise failed  # not in the except block, where its context would be the error with the address


class _TokenAuth(AuthBase):
    def __init__(self, base_url: str, get_token: Callable[[], str]) -> None:
        self._base_url = base_url
        self._get_token = get_token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = request.url or ""
        if url.startswith(f"{self._base_url}/"):
            request.prepare_url(url, {"access_token": self._get_token()})
        return request
