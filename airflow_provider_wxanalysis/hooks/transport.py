"""One app's way to WeChat over HTTP: session, token, pace, retries, and how failures become errors.

No exception of ``requests`` leaves this module, not even as a cause or context: their texts and fields hold the URL,
and WeChat wants the token in it.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from airflow_provider_wxanalysis import __version__
from airflow_provider_wxanalysis.exceptions import (
    CredentialsError,
    InvalidTokenError,
    PayloadError,
    RateLimitError,
    TransportError,
    api_error,
)
from airflow_provider_wxanalysis.hooks.redaction import redact, redact_urllib3_logs
from airflow_provider_wxanalysis.hooks.tokens import Tokens
from airflow_provider_wxanalysis.values import show

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.hooks.settings import Settings

log = logging.getLogger(__name__)

ATTEMPTS = 5
RATE_LIMIT_PAUSE = 60.0
#: A reply must be whole after this many times the connection's ``timeout``, which bounds single waits only.
PATIENCE = 10
#: What goes into one BigQuery statement is under 8 MB; no reply of WeChat's comes near this.
MAX_REPLY_BYTES = 32 * 2**20
sleep = time.sleep


class Transport:
    """A session with WeChat for one app; safe to share between threads.

    :param settings: the app's connection.
    :param on_new_token: told of every new token before it is used.
    """

    def __init__(self, settings: Settings, on_new_token: Callable[[str], None]) -> None:
        self.settings = settings
        self.tokens = Tokens(settings, self._token_call, on_new_token)
        self.session = self._session()
        self._pace = _Pace(settings.requests_per_minute)

    def post(self, path: str, body: dict[str, Any], *, endpoint: str, period: object = None) -> dict[str, Any]:
        """Post ``body`` and return the reply, trying again where a moment's wait can mend it.

        :param path: URL path below the API base.
        :param body: JSON body.
        :param endpoint: name for messages.
        :param period: period for messages.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: bool(getattr(error, "busy", False))),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_wait,
            before_sleep=_announce,
            sleep=lambda seconds: sleep(seconds),
            reraise=True,
        )
        return retrying(self._post_with_token, path, body, endpoint, period)

    def _post_with_token(self, path: str, body: dict[str, Any], endpoint: str, period: object) -> dict[str, Any]:
        data = json.dumps(body, ensure_ascii=False).encode()  # bytes, so that Content-Length is sent
        where = f"{endpoint} {period}" if period else endpoint
        for last in (not self.tokens.renewable, True):
            self._pace.wait()
            response, content = self._send(
                "POST",
                self.settings.base_url + path,
                where,
                data=data,
                headers={"Content-Type": "application/json; charset=utf-8"},
            )
            reply = _parse(response, content, where)
            error = api_error(reply, endpoint, period)
            if error is None:
                return reply
            if last or not isinstance(error, InvalidTokenError):
                raise error
            self.tokens.discard(_token_of(response))
        raise AssertionError("unreachable")

    def _token_call(self, method: str, url: str, **kwargs: Any) -> dict[str, Any]:
        name = f"access token (auth={self.settings.auth})"
        address = url if "://" in url else self.settings.base_url + url
        reply = _parse(*self._send(method, address, name, auth=_no_auth, **kwargs), name)
        error = api_error(reply, name)
        if error is None:
            return reply
        if isinstance(error, InvalidTokenError):  # at a token endpoint these codes speak of the secret
            raise CredentialsError(*error.args)
        raise error

    def _send(self, method: str, url: str, endpoint: str, **kwargs: Any) -> tuple[requests.Response, bytes]:
        timeout, verify = self.settings.timeout, self.settings.verify
        try:
            with self.session.request(
                method, url, timeout=timeout, allow_redirects=False, verify=verify, stream=True, **kwargs
            ) as response:
                return response, _content(response.raw, timeout * PATIENCE)
        except (OSError, urllib3.exceptions.HTTPError) as error:  # requests' own errors are OSErrors
            failure = _failure(error, endpoint, _host(url), timeout)
        raise failure  # here, not in the except block: the original would be its context

    def _session(self) -> requests.Session:
        session = requests.Session()
        adapter = HTTPAdapter(pool_maxsize=self.settings.max_concurrency)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
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
        if (request.url or "").startswith(f"{self._base_url}/"):
            request.prepare_url(request.url, {"access_token": self._tokens.get()})
        return request


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _token_of(response: requests.Response) -> str:
    return parse_qs(urlsplit(response.request.url or "").query).get("access_token", [""])[0]


class _Pace:
    """Keeps requests at least a fixed time apart, whichever thread makes them."""

    def __init__(self, per_minute: int | None) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        if not self._interval:
            return
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next)
            self._next = slot + self._interval
        if slot > now:
            sleep(slot - now)


def _wait(state: tenacity.RetryCallState) -> float:
    backoff = tenacity.wait_exponential_jitter(initial=1, max=30)(state)
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimitError):  # every waiting thread would knock again at the same moment
        return RATE_LIMIT_PAUSE + random.uniform(0, 15)
    return backoff


def _announce(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0.0
    log.warning("%s Trying again in %.0f s (attempt %d of %d failed).", error, wait, state.attempt_number, ATTEMPTS)


class _Endless(OSError):
    """A reply that does not end within its time or size."""


def _content(raw: urllib3.BaseHTTPResponse, seconds: float) -> bytes:
    """Read a body as it comes. requests would wait for each piece anew, and so for ever if pieces keep coming."""
    ends_at = time.monotonic() + seconds
    content = bytearray()
    while piece := raw.read1(2**16, decode_content=True):
        content += piece
        if len(content) > MAX_REPLY_BYTES:
            raise _Endless(f"sent more than {MAX_REPLY_BYTES // 2**20} MB")
        if time.monotonic() > ends_at:
            raise _Endless(f"did not end its reply within {seconds:g} s")
    return bytes(content)


def _host(url: str) -> str:
    parts = urlsplit(url)  # whose netloc may hold a password
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


_IN_BETWEEN = "Look for a proxy, firewall or login page that answers in WeChat's place."


def _failure(error: Exception, where: str, host: str, timeout: float) -> TransportError:
    if isinstance(error, _Endless):
        return TransportError(f"{where}: {host} {error}. {_IN_BETWEEN}")
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return TransportError(
            f"{where}: {host} did not answer within {timeout:g} s. Check that this worker reaches it, or raise timeout "
            "in the connection's extra."
        )
    if isinstance(error, requests.exceptions.SSLError):
        return TransportError(
            f"{where}: the TLS certificate or handshake of {host} failed: {redact(str(error))}. Check host, proxies "
            "and verify (a CA bundle) of the connection.",
            busy=False,
        )
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.HTTPError)):
        return TransportError(
            f"{where}: the connection to {host} failed: {redact(str(error))}. Check host and proxies of the connection "
            "and that this worker reaches it."
        )
    return TransportError(
        f"{where}: the request to {host} failed: {redact(repr(error))}. Check host, proxies and verify of the "
        "connection.",
        busy=False,
    )


_STATUS_ADVICE = {
    412: "WeChat says so when Content-Length is missing; look for a proxy that sends chunked bodies.",
    429: "Something in front of WeChat limits the rate; lower it with requests_per_minute.",
}


def _parse(response: requests.Response, content: bytes, where: str) -> dict[str, Any]:
    status = response.status_code
    if status != 200:
        advice = _STATUS_ADVICE.get(status, "Try again later." if status >= 500 else _IN_BETWEEN)
        busy = status >= 500 or status == 429
        raise TransportError(f"{where}: HTTP status {status} instead of 200. {advice}", busy=busy)
    try:
        reply = json.loads(content, parse_constant=_no_constant, object_pairs_hook=_object)
    except _Ambiguous as error:
        raise PayloadError(f"{where}: {error} {_IN_BETWEEN}") from None
    except (ValueError, RecursionError):
        reply = _BROKEN  # raised below, because the decoder's error holds the body, and that may hold a token
    if reply is _BROKEN:
        kind = response.headers.get("Content-Type", "no content type")[:100]
        raise TransportError(f"{where}: the reply ({len(content)} bytes, {kind}) is not JSON. {_IN_BETWEEN}")
    if not isinstance(reply, dict):
        raise PayloadError(f"{where}: the reply is no JSON object but {type(reply).__name__}. {_IN_BETWEEN}")
    return reply


_BROKEN = object()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


class _Ambiguous(Exception):
    """JSON that means one thing to one parser and another thing to the next."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _Ambiguous(f"the reply names {show(twice)} twice in one object, so it is unclear which value counts.")
    return found
