"""The hook: one mini program's analytics, by endpoint and period."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.providers.common.compat.sdk import BaseHook, mask_secret
from asgiref.sync import sync_to_async

from airflow_provider_wxanalysis.endpoints import Endpoint, Request, resolve
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.hooks import form
from airflow_provider_wxanalysis.wechat import records
from airflow_provider_wxanalysis.wechat.redaction import redact
from airflow_provider_wxanalysis.wechat.settings import Settings

if TYPE_CHECKING:
    import requests

    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.wechat.transport import Transport

#: A pause, in seconds, for threads whose reply has come: Python would let them wait while rows of several are made.
GIVE_WAY = 1e-5


class WeAnalysisHook(BaseHook):
    """Fetch WeChat mini-program analytics.

    Constructing it does nothing: connection, network and clock wait for the first call.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/

    :param weanalysis_conn_id: Airflow connection of type ``weanalysis``: AppID, AppSecret and how to reach WeChat.
    """

    conn_name_attr = "weanalysis_conn_id"
    default_conn_name = "weanalysis_default"
    conn_type = "weanalysis"
    hook_name = "WeChat Analysis"

    def __init__(self, weanalysis_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weanalysis_conn_id = weanalysis_conn_id
        self._in_threads = True
        self._warned: set[str] = set()

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the extra fields of the connection form, for Airflow before 3.2."""
        return form.connection_form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return labels and placeholders of the connection form, for Airflow before 3.2."""
        return form.ui_field_behaviour()

    @property
    def appid(self) -> str:
        """The connection's AppID."""
        return self._settings.appid

    def get_conn(self) -> requests.Session:
        """Return a session that adds the access token to every request to the API's host.

        Its errors are those of ``requests`` and may show the token, and API security is not its business; :meth:`post`
        is the safer way.
        """
        return self._transport.session

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call any WeChat endpoint that takes a JSON body, with token, retries and errors seen to.

        With the keys of API security in the connection the call is encrypted and signed, which most endpoints take;
        each one's official page says so.

        :param path: URL path, such as ``/cgi-bin/openapi/quota/get``.
        :param body: what to send.
        :return: WeChat's reply.
        :raises WeAnalysisAPIError: if the reply holds an errcode.
        :raises TransportError: if no usable reply came.
        """
        return self._transport.post(path, body, endpoint=path)

    def fetch(self, endpoint: str | Endpoint, period: Period) -> list[records.Row]:
        """Fetch the rows of one period.

        :param endpoint: a name of the catalogue, or an entry.
        :param period: the period, one of the endpoint's window.
        :return: rows ready for JSON: common columns, the endpoint's own, and ``_extra``; no load columns.
        :raises WeAnalysisAPIError: if WeChat refuses, or has not published the period (:class:`DataNotReadyError`).
        :raises TransportError: if no usable reply came.
        :raises PayloadError: if the reply is not what the catalogue says.
        """
        ((_, rows),) = self.fetch_many(endpoint, [period])
        return rows

    def fetch_many(
        self, endpoint: str | Endpoint, periods: Iterable[Period]
    ) -> Iterator[tuple[Period, list[records.Row]]]:
        """Fetch several periods, with several requests in flight, and yield them in the order given.

        Memory is bounded: at most twice ``max_concurrency`` (connection extra) replies are held.

        :param endpoint: a name of the catalogue, or an entry.
        :param periods: the periods; may be an iterator.
        :raises: what :meth:`fetch` raises, when the turn of the failed period comes.
        """
        entry = resolve(endpoint)
        jobs = (
            _Job(number, entry, period, request)
            for number, period in enumerate(periods)
            for request in entry.requests(period)
        )
        for (_, period), answers in itertools.groupby(self._in_flight(jobs), key=lambda answer: answer[0].turn):
            rows = [row for _, report in answers for row in report.rows]
            self.log.info("%s %s of app %s: %d rows%s.", entry.name, period, self.appid, len(rows), _cut(entry, rows))
            yield period, rows

    def test_connection(self) -> tuple[bool, str]:
        """Fetch a token and ask for the quota of one analysis endpoint: once, and for seconds at most.

        :return: whether it worked, and what a person should know or do.
        """
        from airflow_provider_wxanalysis.wechat.probe import probe

        try:
            # Airflow's API server tests under a random connection id: errors had better not name it.
            return True, probe(Settings.read(self.get_connection(self.weanalysis_conn_id)), mask_secret)
        except WeAnalysisError as error:
            return False, str(error)
        except Exception as error:  # such as a connection that is not there: the button shows it
            return False, redact(f"{type(error).__name__}: {error}")

    async def aread_connection(self) -> None:
        """Read the Airflow connection without blocking the event loop; for triggers.

        From then on the hook makes its requests in the caller's thread: new tokens are masked through Airflow's channel
        to the triggerer's supervisor, which is open to threads of asgiref's, not to others.

        :raises ConfigurationError: if a field is missing or cannot work.
        """
        read = getattr(self, "aget_connection", None) or sync_to_async(self.get_connection)  # the former since 3.1
        self._settings = Settings.from_connection(await read(self.weanalysis_conn_id))
        self._in_threads = False

    @cached_property
    def _settings(self) -> Settings:
        return Settings.from_connection(self.get_connection(self.weanalysis_conn_id))

    @cached_property
    def _transport(self) -> Transport:
        # Here and not above: DAG files import hooks, and requests is slow to import.
        from airflow_provider_wxanalysis.wechat.transport import Transport

        return Transport(self._settings, mask_secret)

    def _in_flight(self, jobs: Iterator[_Job]) -> Iterator[tuple[_Job, records.Report]]:
        """Answer jobs in order. Threads fetch; rows are made here, so that threads are soon at their next requests."""
        if not self._in_threads:
            yield from (self._answer(job, self._ask(job)) for job in jobs)
            return
        width = self._transport.settings.max_concurrency
        pending: deque[tuple[_Job, Future[dict[str, Any]]]] = deque()
        with ThreadPoolExecutor(width, thread_name_prefix="weanalysis") as pool:
            try:
                for job in jobs:
                    pending.append((job, pool.submit(self._ask, job)))
                    if len(pending) == 2 * width:
                        yield self._next(pending)
                while pending:
                    yield self._next(pending)
            finally:
                for _, future in pending:
                    future.cancel()

    def _ask(self, job: _Job) -> dict[str, Any]:
        name = job.endpoint.name
        return self._transport.post(job.endpoint.path, job.request.body, endpoint=name, period=job.period)

    def _next(self, pending: deque[tuple[_Job, Future[dict[str, Any]]]]) -> tuple[_Job, records.Report]:
        job, future = pending.popleft()
        reply = future.result()
        time.sleep(GIVE_WAY)
        return self._answer(job, reply)

    def _answer(self, job: _Job, reply: dict[str, Any]) -> tuple[_Job, records.Report]:
        report = records.read(job.endpoint, self.appid, job.period, reply, job.request.selection)
        name, news = job.endpoint.name, report.unknown - self._warned
        if news:
            self._warned |= news
            self.log.warning("%s: the catalogue does not know %s; kept as it came.", name, ", ".join(sorted(news)))
        if report.duplicates:
            self.log.warning("%s %s: %d rows repeat the key of another; kept.", name, job.period, report.duplicates)
        return job, report


class _Job(NamedTuple):
    number: int
    endpoint: Endpoint
    period: Period
    request: Request

    @property
    def turn(self) -> tuple[int, Period]:
        """What the jobs of one period share, and no others, even if a period is asked for twice."""
        return self.number, self.period


def _cut(endpoint: Endpoint, rows: list[records.Row]) -> str:
    return f" (top {endpoint.row_limit} only, WeChat gives no more)" if endpoint.truncated(rows) else ""
