"""The server as its user sees it: switches, records, start and stop."""

from __future__ import annotations

import copy
import datetime as dt
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from airflow_provider_wxanalysis.testing import api
from airflow_provider_wxanalysis.testing.accounts import Apps, Quotas
from airflow_provider_wxanalysis.testing.answers import Answer
from airflow_provider_wxanalysis.testing.canary import CANARY
from airflow_provider_wxanalysis.testing.clock import Clock, Now
from airflow_provider_wxanalysis.testing.faults import Faults, check_endpoint
from airflow_provider_wxanalysis.testing.figures import LAUNCHED, App, Visits, app, visits
from airflow_provider_wxanalysis.testing.journal import Call, Journal
from airflow_provider_wxanalysis.testing.rules import Question
from airflow_provider_wxanalysis.testing.security import ApiSecurity
from airflow_provider_wxanalysis.testing.tokens import Tokens
from airflow_provider_wxanalysis.testing.wire import Listener

Json = dict[str, Any]


class WeChatServer:
    """A WeChat API on a real socket, for tests and for trying DAGs.

    It keeps WeChat's documented rules (periods, tokens, quotas, publication times), serves figures that depend on
    nothing but AppID and date, and misbehaves when told to. Use it as a context manager, or :meth:`start` and
    :meth:`stop` it. ``published_at``, ``not_ready``, ``latency`` and :attr:`now` may be changed while it runs::

        with WeChatServer(now=datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))) as server:
            server.faults.add(faults.errcode(45011), endpoint="visit_page")
            connection = server.connection("wx0123456789abcdef")

    :param apps: AppID -> AppSecret; ``None`` for any AppID that looks like one, with any secret.
    :param host: address to listen on.
    :param port: port to listen on; 0 for any free one.
    :param now: ``None`` for the wall clock, an aware datetime for a clock that stands still, or a function.
    :param published_at: when a period's figures appear on the day after it, in Beijing.
    :param not_ready: what comes before that: ``error`` (errcode 61503) or ``empty`` (a reply without figures).
    :param token_lifetime: seconds that an access token lives.
    :param daily_quota: calls a day for each path and app.
    :param requests_per_minute: calls a minute for each path and app; ``None`` for no limit.
    :param latency: seconds that every answer takes.
    :param launched: the first day with figures.
    :param pages: how many pages each app has; ``None`` leaves it to the AppID. WeChat lists 200 at the most.
    :param api_security: whether the apps demand encrypted and signed calls: ``True`` for new keys, or keys to use;
        :meth:`connection` then holds what a client needs.
    :param on_call: told of every call, for access logs.
    """

    #: What a third-party platform must send as its own token to get an app's.
    component_access_token = f"{CANARY}-component-token"
    #: What ``/central/token/{appid}`` wants as Authorization header; ``None`` for nothing.
    central_authorization: str | None = None

    def __init__(
        self,
        apps: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        now: Now = None,
        published_at: dt.time = dt.time(8),
        not_ready: Literal["error", "empty"] = "error",
        token_lifetime: float = 7200,
        daily_quota: int = 100_000,
        requests_per_minute: int | None = None,
        latency: float = 0.0,
        launched: dt.date = LAUNCHED,
        pages: int | None = None,
        api_security: ApiSecurity | bool = False,
        on_call: Callable[[str, Call], None] | None = None,
    ) -> None:
        if not_ready not in ("error", "empty"):
            raise ValueError(f"not_ready={not_ready!r} is neither 'error' nor 'empty'.")
        self.clock = Clock(now)
        self.apps = Apps(apps)
        self.tokens = Tokens(self.clock, token_lifetime)
        self.quotas = Quotas(self.clock, daily_quota, requests_per_minute)
        self.faults = Faults()
        self.api_security = ApiSecurity() if api_security is True else api_security or None
        self.published_at = published_at
        self.not_ready = not_ready
        self.latency = latency
        self._address = (host, port)
        self._launched = launched
        self._pages = pages
        self._on_call = on_call
        self._journal = Journal()
        self._overrides: dict[tuple[str, str, dt.date], Json | Callable[[Json], Json]] = {}
        self._lock = threading.Lock()
        self._listener: Listener | None = None

    def start(self) -> WeChatServer:
        """Listen and answer, in threads of its own."""
        if self._listener is not None:
            raise RuntimeError("The server runs already.")
        self._listener = Listener(self._address, self._respond)
        self._listener.start()
        return self

    def stop(self) -> None:
        """Close all connections and wait until the threads are done. What was recorded stays."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    __enter__ = start

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._listener is None:
            raise RuntimeError("The server does not run.")
        return int(self._listener.server_address[1])

    @property
    def url(self) -> str:
        """The API base, without a slash at the end."""
        return f"http://{self._address[0]}:{self.port}"

    @property
    def now(self) -> dt.datetime:
        """The server's time, in Beijing. Assign what the parameter ``now`` takes to change it."""
        return self.clock()

    @now.setter
    def now(self, now: Now) -> None:
        self.clock.set(now)

    @property
    def calls(self) -> list[Call]:
        """Every call, in the order of the answers."""
        return self._journal.calls

    @property
    def served(self) -> Mapping[tuple[str, str, str, str], list[Json]]:
        """(endpoint, appid, begin_date, end_date) -> the good replies that were sent, the latest last.

        Dates are ISO. ``performance_data`` has one reply for each module and choice of filters.
        """
        return self._journal.served

    @property
    def tokens_issued(self) -> list[str]:
        """Every token there ever was, for tests that look for leaks."""
        return list(self.tokens.issued)

    def expire_tokens(self, appid: str) -> None:
        """End all tokens of an app, as if their time were over."""
        self.tokens.expire(appid)

    def refresh_token(self, appid: str) -> str:
        """Return the ``authorizer_refresh_token`` with which a third-party platform gets the app's token."""
        return f"{CANARY}-refresh-{appid}"

    def connection(self, appid: str, **extra: Any) -> Json:
        """Return an Airflow connection to this server, ready for ``AIRFLOW_CONN_…`` as JSON.

        :param appid: AppID.
        :param extra: the connection's extra; for ``auth`` other than ``stable`` what it needs is filled in.
        """
        needs: dict[str, Callable[[], Json]] = {
            "central": lambda: {"central_url": f"{self.url}{api.CENTRAL_PATH}{{appid}}"},
            "static": lambda: {"access_token": self.tokens.stable(appid)[0]},
            "authorizer": lambda: {
                "component_appid": "wx00000000000000cc",
                "component_access_token": self.component_access_token,
                "authorizer_refresh_token": self.refresh_token(appid),
            },
        }
        filled = needs.get(str(extra.get("auth")), dict)()
        return {
            "conn_type": "weanalysis",
            "login": appid,
            "password": self.apps.secret(appid),
            "host": self.url,
            "extra": {**filled, **(self.api_security.extra() if self.api_security else {}), **extra},
        }

    def count(self, endpoint: str | None = None, appid: str | None = None) -> int:
        """Return how many calls there were.

        :param endpoint: an endpoint's name, ``token`` or ``quota``; ``None`` for calls of every kind.
        :param appid: whose; ``None`` for everybody's.
        """
        check_endpoint(endpoint)
        return self._journal.count(endpoint, appid)

    def override(
        self, endpoint: str, appid: str, begin_date: dt.date | str, reply: Json | Callable[[Json], Json]
    ) -> None:
        """Replace the reply for one period: a corrected figure, a page gone, a field that nobody knows.

        :param endpoint: the endpoint's name.
        :param appid: AppID.
        :param begin_date: the period's first day; text as ``YYYY-MM-DD``.
        :param reply: the new reply, or a function that takes the normal one and returns the new one.
        """
        check_endpoint(endpoint)
        begin = dt.date.fromisoformat(begin_date) if isinstance(begin_date, str) else begin_date
        with self._lock:
            self._overrides[endpoint, appid, begin] = reply

    def overridden(self, question: Question, appid: str, reply: Json) -> Json:
        """Return the reply that :meth:`override` has set for a question, or the normal one."""
        with self._lock:
            override = self._overrides.get((question.endpoint, appid, question.begin))
        if override is None:
            return reply
        return override(reply) if callable(override) else copy.deepcopy(override)

    def figures(self, appid: str, begin_date: dt.date, end_date: dt.date | None = None) -> Visits | None:
        """Return the visits of an app on a day or a span of days; ``None`` before the launch."""
        return visits(self.app(appid), begin_date, end_date or begin_date)

    def app(self, appid: str) -> App:
        """Return what the figures of an app are made from; see :mod:`~airflow_provider_wxanalysis.testing.figures`."""
        return app(appid, self._launched, self._pages)

    def _respond(self, request: api.Request) -> Answer:
        answer = api.respond(self, request)
        answer = self.faults.apply(answer, request.endpoint, request.appid, request.question)
        call = self._journal.record(request, answer)
        if self._on_call:
            self._on_call(request.method, call)
        if self.api_security and request.sealed:
            answer = self.api_security.seal(answer, request)
        return replace(answer, delay=answer.delay + self.latency) if self.latency else answer
