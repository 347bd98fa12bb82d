"""One app's calls to WeChat: token, pace, retries, and how failures become errors.

No exception of ``requests``, ``urllib3`` or Python's own leaves this module, not even as a cause or context: their
texts and fields hold the URL, which carries the token. Errors leave without the frames they came through, whose
variables a traceback may show.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from airflow_provider_wxanalysis.catalogue.typed import Decoded, decode
from airflow_provider_wxanalysis.exceptions import (
    ConfigurationError,
    TransportError,
    WeAnalysisError,
    call_name,
)
from airflow_provider_wxanalysis.wechat.channel import Channel, Outgoing
from airflow_provider_wxanalysis.wechat.errcodes import AUTHORIZER_ERRCODES, TOKEN_ERRCODES, api_error
from airflow_provider_wxanalysis.wechat.failures import failure
from airflow_provider_wxanalysis.wechat.flights import Flight
from airflow_provider_wxanalysis.wechat.pace import Pace
from airflow_provider_wxanalysis.wechat.patience import ATTEMPTS, Patience
from airflow_provider_wxanalysis.wechat.redaction import presentable, redact_urllib3_logs
from airflow_provider_wxanalysis.wechat.remedies import ERRCODES, Errcode
from airflow_provider_wxanalysis.wechat.replies import parse_reply
from airflow_provider_wxanalysis.wechat.security import Security
from airflow_provider_wxanalysis.wechat.tokens import Tokens
from airflow_provider_wxanalysis.wechat.waits import Stop

if TYPE_CHECKING:
    import requests

    from airflow_provider_wxanalysis.endpoints import Endpoint, Request
    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.wechat.records import Reply
    from airflow_provider_wxanalysis.wechat.settings import Settings
    from airflow_provider_wxanalysis.wechat.wire import Received

T = TypeVar("T")
E = TypeVar("E", bound=WeAnalysisError)
Typed = Callable[[bytes], Decoded | None]

log = logging.getLogger(__name__)


class Client:
    """One app's calls; safe to share between threads.

    :param settings: the app's connection.
    :param on_new_token: gets every new token before it is used, so that logs can mask it.
    :param stop: ends all waits when it is set; by default only :meth:`close` does.
    :param attempts: the most tries of a call that a short wait may help.
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
        self.channel = Channel(settings)
        self.warned_about: set[str] = set()
        self._attempts = attempts
        self._stop = stop or Stop()
        self._session: requests.Session | None = None
        self.tokens = Tokens(settings, on_new_token)
        self._reaching: Flight[None] = Flight()
        self._pace = Pace(settings.requests_per_minute, self._stop)
        self._security = Security(settings.appid, settings.keys) if settings.keys else None
        redact_urllib3_logs()

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
        """Whether it has been closed."""
        return self._stop.is_set()

    def close(self) -> None:
        """End all calls under way, and all connections, for good; a signal handler may call it."""
        self._stop.set()
        self.channel.close()
        if self._session is not None:
            self._session.close()

    def session(self, on_token: Callable[[str], None]) -> requests.Session:
        """Return a plain session with the connection's token, proxies, certificates and time-out: always the same one.

        :param on_token: gets the token before each request, so that what the caller logs can be masked.
        """
        from airflow_provider_wxanalysis.wechat.session import plain_session

        def token() -> str:
            current = self.token()
            on_token(current)
            return current

        if self._session is None:
            self._session = plain_session(self.settings, token)
        return self._session

    def token(self) -> str:
        """Return the current token, asking for one if there is none."""
        return self.tokens.get(self._token_call, self._persist)

    def ask(self, endpoint: Endpoint, period: Period, request: Request) -> Reply:
        """Make one of the calls that fetch a period, and return the reply: decoded, or parsed if it is unusual.

        :param endpoint: the catalogue's entry.
        :param period: the period, for messages.
        :param request: the call.
        :raises WeAnalysisError: if there is no good reply, or the client is closed meanwhile.
        """
        return self._post(endpoint.path, request.body, endpoint.name, period, partial(decode, endpoint))

    def post(self, path: str, body: dict[str, Any], *, endpoint: str, period: object = None) -> dict[str, Any]:
        """Post ``body`` and return the reply, retrying where a short wait may help.

        :param path: URL path below the API base.
        :param body: JSON body.
        :param endpoint: name for messages.
        :param period: period for messages.
        :raises WeAnalysisError: if there is no good reply, or the client is closed meanwhile.
        """
        reply = self._post(path, body, endpoint, period)
        assert isinstance(reply, dict)
        return reply

    def _post(
        self, path: str, body: dict[str, Any], endpoint: str, period: object, typed: Typed | None = None
    ) -> Reply:
        if not path.startswith("/") or not (path.isascii() and path.isprintable()) or " " in path:
            raise ConfigurationError(f"path must begin with / and hold no blanks, got {path[:100]!r}.")
        try:
            return self._call(_Question(self.settings.base_url + path, body, endpoint, period, self.appid, typed))
        except WeAnalysisError as error:
            failed = self._presentable(error)
        raise failed  # not in the except block, where its context would be the error with its frames

    def _call(self, question: _Question) -> Reply:
        patience = Patience(self._attempts, self._pace, self.tokens)
        while True:
            token = self.token()
            self._reach(question.url, question.name, patience.failed)
            turn = self._pace.wait()
            try:
                reply = self._ask(question, token)
            except WeAnalysisError as error:
                if (pause := patience.after(self._presentable(error), turn, token)) is None:
                    raise
            else:
                self._pace.speed_up()
                return reply
            if pause:
                self._stop.wait(pause)

    def _ask(self, question: _Question, token: str) -> Reply:
        """Make a call once. With API security on, any reply but an error must be signed; WeChat signs no errors."""
        url, body, name = question.url, question.body, question.name
        data, headers = (
            self._security.seal(url, body)
            if self._security
            else (json.dumps(body, ensure_ascii=False).encode(), {})  # bytes, so that their length is known
        )
        received = self._exchange(Outgoing(url, {"access_token": token}, data, headers), name)
        if question.typed and received.status == 200 and not self._security:
            decoded = question.typed(received.body)  # strict: an error never decodes
            if decoded:
                return decoded
        reply = question.checked(parse_reply(received, name))
        if self._security:
            reply = question.checked(self._security.open(url, received.body, received.headers, name))
        return reply

    def _token_call(self, request: Outgoing) -> dict[str, Any]:
        if "://" not in request.url:
            request = request.at(self.settings.base_url)
        question = _Question(request.url, {}, f"access token (auth={self.settings.auth})", None, self.appid)
        self._reach(request.url, question.name)
        known = AUTHORIZER_ERRCODES if self.settings.auth == "authorizer" else TOKEN_ERRCODES
        return question.checked(parse_reply(self._exchange(request, question.name), question.name), known)

    def _persist(self, ask: Callable[[], T], failed: int = 0) -> T:
        """Do what needs no token, retrying while a short wait may help; ``failed`` tries count already."""
        pace = Pace(None, self._stop)
        patience = Patience(self._attempts, pace, None, failed)
        while True:
            turn = pace.wait()
            try:
                return ask()
            except WeAnalysisError as error:
                if (pause := patience.after(self._presentable(error), turn)) is None:
                    raise
            if pause:
                self._stop.wait(pause)

    def _presentable(self, error: E) -> E:
        return presentable(error, (*self.settings.secrets(), *self.tokens.known))

    def _reach(self, url: str, name: str, failed: int = 0) -> None:
        """Make sure that a host can be reached before calls are made: one thread tries, the others share its result."""
        self._stop.check()
        if not self._guarded(lambda: self.channel.reaches(url), url, name):
            try:
                self._reaching.join(lambda: self._persist(lambda: self._connect(url, name), failed))
            except TransportError as error:
                error.busy = False  # it has been retried here; callers need not
                raise

    def _connect(self, url: str, name: str) -> None:
        if not self.channel.reaches(url):
            self._guarded(lambda: self.channel.reach(url), url, name)

    def _exchange(self, request: Outgoing, name: str) -> Received:
        return self._guarded(lambda: self.channel.exchange(request), request.url, name)

    def _guarded(self, action: Callable[[], T], url: str, name: str) -> T:
        try:
            return action()
        except (OSError, ValueError, HTTPError) as error:  # requests' own errors are of the first two
            if isinstance(error, WeAnalysisError):
                raise
            self._stop.check()
            failed = failure(error, name, _host(url), self.settings.timeout)
        raise failed


class _Question(NamedTuple):
    """One call: what to send, and how messages name it."""

    url: str
    body: dict[str, Any]
    endpoint: str
    period: object
    appid: str
    typed: Typed | None = None

    @property
    def name(self) -> str:
        """Its name in messages."""
        return call_name(self.endpoint, self.period, self.appid)

    def checked(self, reply: dict[str, Any], known: Mapping[int, Errcode] = ERRCODES) -> dict[str, Any]:
        """Return a reply that is not an error.

        :param reply: the reply.
        :param known: what codes mean where the call was made.
        :raises WeAnalysisAPIError: if it is one.
        """
        error = api_error(reply, self.endpoint, self.period, self.appid, known=known)
        if error:
            raise error
        return reply


def _host(url: str) -> str:
    parts = urlsplit(url)  # whose netloc may hold a password
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
