"""The WeChat API without a socket: its rules, its figures, its misbehaviours, and a record of what it was asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from airflow_provider_wxanalysis.testing import replies, rules
from airflow_provider_wxanalysis.testing.accounts import Apps, Quotas
from airflow_provider_wxanalysis.testing.answers import Answer, RefusedError, refuse, refuse_http
from airflow_provider_wxanalysis.testing.clock import Clock, Now
from airflow_provider_wxanalysis.testing.faults import Faults, check_endpoint
from airflow_provider_wxanalysis.testing.figures import LAUNCHED, App, Visits, visits
from airflow_provider_wxanalysis.testing.history import History
from airflow_provider_wxanalysis.testing.journal import Call, Journal
from airflow_provider_wxanalysis.testing.request import Request
from airflow_provider_wxanalysis.testing.security import ApiSecurity
from airflow_provider_wxanalysis.testing.token_calls import (
    CENTRAL_PATH,
    COMPONENT_ACCESS_TOKEN,
    TokenCalls,
    refresh_token,
)
from airflow_provider_wxanalysis.testing.tokens import Tokens

Json = dict[str, Any]

QUOTA_PATH = "/cgi-bin/openapi/quota/get"
#: How many stable tokens an app may ask for, as WeChat documents it.
_STABLE_TOKENS_PER_DAY = 500_000
_STABLE_TOKENS_PER_MINUTE = 10_000


class Switches(TypedDict, total=False):
    """The keyword arguments of :class:`WeChat`, which explains them."""

    now: Now
    published_at: dt.time
    not_ready: Literal["error", "empty"]
    token_lifetime: float
    daily_quota: int
    requests_per_minute: int | None
    latency: float
    launched: dt.date | Mapping[str, dt.date]
    closed: Mapping[str, Collection[dt.date]]
    pages: int | None
    api_security: ApiSecurity | bool
    journal_size: int | None
    on_call: Callable[[str, Call], None] | None


class WeChat:
    """A WeChat API in this process: :meth:`answer` takes a request and returns what the real one would answer.

    It keeps WeChat's documented rules (periods, tokens, quotas, publication times), serves figures that depend on
    nothing but AppID and date, and misbehaves when told to. ``published_at``, ``not_ready``, ``latency`` and
    :attr:`now` may be changed at any time. :class:`~airflow_provider_wxanalysis.testing.WeChatServer` puts it behind
    a socket.

    :param apps: AppID -> AppSecret; or how many apps to make up, see :attr:`appids`; or ``None`` for every AppID that
        looks like one, with any secret.
    :param now: ``None`` for the wall clock, an aware datetime for a clock that stands still, or a function.
    :param published_at: when a period's figures appear on the day after it, in Beijing.
    :param not_ready: what comes before that: ``error`` (errcode 61503) or ``empty`` (a reply without figures).
    :param token_lifetime: seconds that an access token lives.
    :param daily_quota: calls a day for each path and app.
    :param requests_per_minute: calls a minute for each path and app; ``None`` for no limit.
    :param latency: seconds that every answer takes.
    :param launched: the first day with figures: one for all apps, or AppID -> day for some.
    :param closed: AppID -> days without visitors, as when the app is closed: WeChat has no figures of those.
    :param pages: how many pages each app has; ``None`` leaves it to the AppID. WeChat lists at most 200.
    :param api_security: whether the apps demand encrypted and signed calls: ``True`` for new keys, or keys to use;
        :meth:`connection` then holds what a client needs.
    :param journal_size: how many :attr:`calls` and how many :attr:`served` replies are kept, the latest; ``None`` for
        all of them. :meth:`count` counts those that were dropped, too.
    :param on_call: called with the HTTP method and the record of every call, for access logs.
    """

    #: What a third-party platform must send as its own token to get an app's.
    component_access_token = COMPONENT_ACCESS_TOKEN
    #: What ``/central/token/{appid}`` demands as Authorization header; ``None`` for nothing.
    central_authorization: str | None = None

    def __init__(
        self,
        apps: Mapping[str, str] | int | None = None,
        *,
        now: Now = None,
        published_at: dt.time = dt.time(8),
        not_ready: Literal["error", "empty"] = "error",
        token_lifetime: float = 7200,
        daily_quota: int = 100_000,
        requests_per_minute: int | None = None,
        latency: float = 0.0,
        launched: dt.date | Mapping[str, dt.date] = LAUNCHED,
        closed: Mapping[str, Collection[dt.date]] = MappingProxyType({}),
        pages: int | None = None,
        api_security: ApiSecurity | bool = False,
        journal_size: int | None = 5_000,
        on_call: Callable[[str, Call], None] | None = None,
    ) -> None:
        if not_ready not in ("error", "empty"):
            raise ValueError(f"not_ready must be 'error' or 'empty', got {not_ready!r}.")
        self.clock = Clock(now)
        self.apps = Apps(apps)
        self.tokens = Tokens(self.clock, token_lifetime)
        self.quotas = Quotas(self.clock, daily_quota, requests_per_minute)
        self.token_quotas = Quotas(self.clock, _STABLE_TOKENS_PER_DAY, _STABLE_TOKENS_PER_MINUTE)
        self.faults = Faults()
        self.api_security = ApiSecurity() if api_security is True else api_security or None
        self.published_at = published_at
        self.not_ready = not_ready
        self.latency = latency
        self._token_calls = TokenCalls(self.apps, self.tokens, self.token_quotas, lambda: self.central_authorization)
        self._history = History(launched, closed, pages)
        self._journal = Journal(journal_size)
        self._on_call = on_call

    @property
    def url(self) -> str:
        """The API base, without a slash at the end."""
        return "http://127.0.0.1"

    def answer(self, request: Request) -> Answer:
        """Return what WeChat answers, or what a planned fault makes of it, and record the call.

        The answer only describes delays and broken connections; the caller that delivers it must produce them.
        """
        try:
            answer = Answer(self._reply(request))
        except RefusedError as refused:
            answer = refused.answer
        answer = self.faults.apply(answer, request.endpoint, request.appid, request.question)
        call = self._journal.record(request, answer)
        if self._on_call:
            self._on_call(request.method, call)
        if self.api_security and request.sealed:
            answer = self.api_security.seal(answer, request)
        return replace(answer, delay=answer.delay + self.latency) if self.latency else answer

    def _reply(self, request: Request) -> Any:
        if request.path in rules.PATHS:
            request.endpoint = rules.name_of(request.path, request.body)
            return self._figures(request)
        if request.path == QUOTA_PATH:
            request.endpoint = "quota"
            return self._quota(request)
        return self._token_calls.answer(request)

    def _check_post(self, request: Request) -> str:
        """Check what all calls with a token have in common, and return the app that the token belongs to."""
        if request.method != "POST":
            raise refuse(43002)
        if request.raw is None:
            raise refuse_http(412, "Content-Length is missing")
        request.appid = self.tokens.owner(request.query.get("access_token"))
        self.quotas.spend(request.path, request.appid)
        if not request.raw.strip():
            raise refuse(44002)
        if self.api_security:
            request.body = self.api_security.open(request, self.apps.known)
        if not isinstance(request.body, dict):
            raise refuse(47001)
        return request.appid

    def _figures(self, request: Request) -> Json:
        appid = self._check_post(request)
        request.endpoint = rules.name_of(request.path, request.body)  # a sealed request shows it only now
        question = rules.read(request.endpoint, request.body, self.now.date())
        request.question = question
        last_day = self.clock.last_published_day(self.published_at)
        if question.end <= last_day:
            return self._history.reply(question, appid, last_day)
        if self.not_ready == "error":
            raise refuse(61503)
        return replies.empty(question)

    def _quota(self, request: Request) -> Json:
        appid = self._check_post(request)
        path = request.body.get("cgi_path")
        if not isinstance(path, str) or path not in (*rules.PATHS, QUOTA_PATH):
            raise refuse(76021)
        return self.quotas.report(path, appid)

    @property
    def now(self) -> dt.datetime:
        """The server's time, in Beijing. Assign what the parameter ``now`` takes to change it."""
        return self.clock()

    @now.setter
    def now(self, now: Now) -> None:
        self.clock.set(now)

    @property
    def appids(self) -> list[str]:
        """The apps that it was given, or that it has made up."""
        return self.apps.ids

    @property
    def calls(self) -> list[Call]:
        """The latest calls, in the order of the answers."""
        return self._journal.calls

    @property
    def served(self) -> dict[tuple[str, str, str, str], list[Json]]:
        """(endpoint, appid, begin_date, end_date) -> the good replies that were sent, the latest last.

        Dates are ISO. ``performance_data`` has one reply for each module and choice of filters.
        """
        return self._journal.served

    def count(self, endpoint: str | None = None, appid: str | None = None) -> int:
        """Return how many calls there were.

        :param endpoint: an endpoint's name, ``token`` or ``quota``; ``None`` for calls of every kind.
        :param appid: AppID; ``None`` for the calls of all apps.
        """
        check_endpoint(endpoint)
        return self._journal.count(endpoint, appid)

    def forget(self) -> None:
        """Forget all calls and replies, and count from zero again."""
        self._journal.clear()

    @property
    def tokens_issued(self) -> list[str]:
        """Every token there ever was, for tests that look for leaks."""
        return list(self.tokens.issued)

    def expire_tokens(self, appid: str) -> None:
        """End all tokens of an app, as if their time were over."""
        self.tokens.expire(appid)

    def refresh_token(self, appid: str) -> str:
        """Return the ``authorizer_refresh_token`` with which a third-party platform gets the app's token."""
        return refresh_token(appid)

    def connection(self, appid: str | None = None, **extra: Any) -> Json:
        """Return an Airflow connection to this server, ready for ``AIRFLOW_CONN_…`` as JSON.

        :param appid: AppID; ``None`` for a connection with ``auth=central`` that serves every app by ``appids=``.
        :param extra: the connection's extra; for ``auth`` other than ``stable`` what it needs is filled in.
        """
        login = {} if appid is None else {"login": appid, "password": self.apps.secret(appid)}
        given = {**({"auth": "central"} if appid is None else {}), **extra}
        needs: dict[str, Callable[[str], Json]] = {
            "central": lambda _: {"central_url": f"{self.url}{CENTRAL_PATH}{{appid}}"},
            "static": lambda appid: {"access_token": self.tokens.stable(appid)[0]},
            "authorizer": lambda appid: {
                "component_appid": "wx00000000000000cc",
                "component_access_token": self.component_access_token,
                "authorizer_refresh_token": self.refresh_token(appid),
            },
        }
        need = needs.get(str(given.get("auth")))
        filled = need(appid or "") if need else {}
        keys = self.api_security.extra() if self.api_security else {}
        return {"conn_type": "weanalysis", **login, "host": self.url, "extra": {**filled, **keys, **given}}

    def override(
        self, endpoint: str, appid: str, begin_date: dt.date | str, reply: Json | Callable[[Json], Json]
    ) -> None:
        """Replace the reply for one period: a corrected figure, a page gone, an unknown field.

        :param endpoint: the endpoint's name.
        :param appid: AppID.
        :param begin_date: the period's first day; text as ``YYYY-MM-DD``.
        :param reply: the new reply, or a function that takes the normal one and returns the new one.
        """
        check_endpoint(endpoint)
        begin = dt.date.fromisoformat(begin_date) if isinstance(begin_date, str) else begin_date
        self._history.override(endpoint, appid, begin, reply)

    def figures(self, appid: str, begin_date: dt.date, end_date: dt.date | None = None) -> Visits | None:
        """Return the visits of an app on a day or a span of days; ``None`` before the launch."""
        return visits(self.app(appid), begin_date, end_date or begin_date)

    def app(self, appid: str) -> App:
        """Return what the figures of an app are made from; see :mod:`~airflow_provider_wxanalysis.testing.figures`."""
        return self._history.app(appid)
