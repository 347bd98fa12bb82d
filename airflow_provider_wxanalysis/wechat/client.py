"""One app's calls to WeChat over HTTP: session, token, pace, retries, and how failures become errors.

No exception of ``requests`` or ``urllib3`` leaves this module, not even as a cause or context: their texts and fields
hold the URL, and WeChat wants the token in it.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from airflow_provider_wxanalysis import __version__
from airflow_provider_wxanalysis.catalogue.typed import Decoded, decode
from airflow_provider_wxanalysis.exceptions import (
    InvalidTokenError,
    RateLimitError,
    WeAnalysisAPIError,
    WeAnalysisError,
    call_name,
)
from airflow_provider_wxanalysis.wechat.channel import Channel
from airflow_provider_wxanalysis.wechat.errcodes import AUTHORIZER_ERRCODES, TOKEN_ERRCODES, api_error
from airflow_provider_wxanalysis.wechat.failures import failure
from airflow_provider_wxanalysis.wechat.redaction import redact_urllib3_logs
from airflow_provider_wxanalysis.wechat.replies import parse_reply
from airflow_provider_wxanalysis.wechat.security import Security
from airflow_provider_wxanalysis.wechat.tokens import Tokens
from airflow_provider_wxanalysis.wechat.waits import Stop, backoff

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.endpoints import Endpoint, Request
    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.wechat.records import Reply
    from airflow_provider_wxanalysis.wechat.settings import Settings

log = logging.getLogger(__name__)

ATTEMPTS = 5
RATE_LIMIT_PAUSE = 60.0
#: The request was signed too long ago when WeChat read it.
_SIGNED_TOO_LONG_AGO = 40240


class Client:
    """One app's calls; safe to share between threads.

    :param settings: the app's connection.
    :param on_new_token: gets every new token before it is used, so that logs can mask it.
    :param stop: ends all waits when it is set; by default only :meth:`close` does.
    :param attempts: how often a call is made that a moment's wait may help.
    """

    def __init__(
        self,
        settings: Settings,
        on_new_token: Callable[[str], None],
        *,
        stop: Stop | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.settings = settings
        self.warned_about: set[str] = set()
        self._attempts = attempts
        self._stop = stop or Stop()
        self.tokens = Tokens(settings, self._token_call, on_new_token)
        self.session = self._session()
        self.channel = Channel(self.session, settings)
        self.session.mount(f"{settings.base_url}/", self.channel)
        self._security = Security(settings.appid, settings.keys) if settings.keys else None
        self._pace = _Pace(settings.requests_per_minute, self._stop)

    def __enter__(self) -> Client:
        """Return the client."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    @property
    def appid(self) -> str:
        """The AppID."""
        return self.settings.appid

    @property
    def closed(self) -> bool:
        """Whether it makes no calls any more."""
        return self._stop.is_set()

    def close(self) -> None:
        """End all calls under way, and all connections."""
        self._stop.set()
        self.session.close()

    def ask(self, endpoint: Endpoint, period: Period, request: Request) -> Reply:
        """Make one of the calls that fetch a period, and return the reply: decoded, or parsed if it is unusual.

        :param endpoint: the catalogue's entry.
        :param period: the period, for messages.
        :param request: the call.
        """
        return self._post(endpoint.path, request.body, endpoint.name, period, partial(decode, endpoint))

    def post(self, path: str, body: dict[str, Any], *, endpoint: str, period: object = None) -> dict[str, Any]:
        """Post ``body`` and return the reply, parsed.

        :param path: URL path below the API base.
        :param body: JSON body.
        :param endpoint: name for messages.
        :param period: period for messages.
        """
        reply = self._post(path, body, endpoint, period, lambda content: None)
        assert isinstance(reply, dict)
        return reply

    def _post(
        self, path: str, body: dict[str, Any], endpoint: str, period: object, typed: Callable[[bytes], Decoded | None]
    ) -> Reply:
        """Post ``body`` and return the reply, trying again where a moment's wait may help."""
        for failed in itertools.count(1):
            try:
                return self._post_with_token(path, body, endpoint, period, typed)
            except WeAnalysisError as error:
                if not error.busy or failed == self._attempts:
                    raise
                pause = backoff(failed)
                if isinstance(error, RateLimitError):  # every waiting thread would knock again at the same moment
                    pause = RATE_LIMIT_PAUSE + random.uniform(0, 15)
                log.warning("%s Trying again in %.0f s (attempt %d failed).", error, pause, failed)
            self._stop.wait(pause)
        raise AssertionError("unreachable")

    def _post_with_token(
        self, path: str, body: dict[str, Any], endpoint: str, period: object, typed: Callable[[bytes], Decoded | None]
    ) -> Reply:
        appid = self.settings.appid
        name = call_name(endpoint, period, appid)
        for last in (False, True):
            self._pace.wait()
            token = self.tokens.get()
            reply = self._exchange(self.settings.base_url + path, body, name, token, typed)
            if isinstance(reply, Decoded):  # which has no place for an errcode
                return reply
            error = api_error(reply, endpoint, period, appid)
            if error is None:
                return reply
            if last or not self._worth_another(error, token):
                raise error
        raise AssertionError("unreachable")

    def _exchange(
        self, url: str, body: dict[str, Any], name: str, token: str, typed: Callable[[bytes], Decoded | None]
    ) -> Reply:
        data = json.dumps(body, ensure_ascii=False).encode()  # bytes, so that Content-Length is sent
        headers: dict[str, str] = {}
        if self._security:
            data, headers = self._security.seal(url, body)
        response, content = self._send(url, name, query={"access_token": token}, body=data, headers=headers)
        if not self._security and response.status == 200 and (decoded := typed(content)):
            return decoded
        reply = parse_reply(response, content, name)
        if self._security and api_error(reply, name) is None:  # WeChat does not sign errors
            reply = self._security.open(url, content, response.headers, name)
        return reply

    def _worth_another(self, error: WeAnalysisAPIError, token: str) -> bool:
        if isinstance(error, InvalidTokenError) and self.tokens.renewable:
            self.tokens.discard(token)
            return True
        return error.errcode == _SIGNED_TOO_LONG_AGO

    def _token_call(self, url: str, **request: Any) -> dict[str, Any]:
        endpoint, appid = f"access token (auth={self.settings.auth})", self.settings.appid
        name = call_name(endpoint, appid=appid)
        address = url if "://" in url else self.settings.base_url + url
        reply = parse_reply(*self._send(address, name, **request), name)
        known = AUTHORIZER_ERRCODES if self.settings.auth == "authorizer" else TOKEN_ERRCODES
        if error := api_error(reply, endpoint, appid=appid, known=known):
            raise error
        return reply

    def _send(self, url: str, endpoint: str, **request: Any) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        try:
            return self.channel.exchange(url, **request)
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:  # requests' own are the former two
            failed = failure(error, endpoint, _host(url), self.settings.timeout)
        raise failed  # here, not in the except block: the original would be its context

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.headers["User-Agent"] = f"airflow-provider-wxanalysis/{__version__}"
        session.auth = _TokenAuth(self.tokens, self.settings.base_url)
        session.proxies.update(self.settings.proxies or {})
        redact_urllib3_logs()
        return session


class _TokenAuth(AuthBase):
    """Adds the access token to requests that go to the API's own host, and to no other."""

    def __init__(self, tokens: Tokens, base_url: str) -> None:
        self._tokens = tokens
        self._base_url = base_url

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = request.url or ""
        if url.startswith(f"{self._base_url}/"):
            request.prepare_url(url, {"access_token": self._tokens.get()})
        return request


class _Pace:
    """Keeps requests at least a fixed time apart, whichever thread makes them."""

    def __init__(self, per_minute: int | None, stop: Stop) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._stop = stop
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        self._stop.check()
        if not self._interval:
            return
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next)
            self._next = slot + self._interval
        if slot > now:
            self._stop.wait(slot - now)


def _host(url: str) -> str:
    parts = urlsplit(url)  # whose netloc may hold a password
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
