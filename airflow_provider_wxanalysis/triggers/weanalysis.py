"""A trigger that waits until it is worth asking WeChat again.

It says no more than that: the task then asks WeChat itself, so that errors surface there, with their own types.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_wxanalysis.endpoints import resolve
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.hooks.readiness import Finding, agenda, check, describe
from airflow_provider_wxanalysis.hooks.sharing import AppRef, shared_hooks
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period, parse_date
from airflow_provider_wxanalysis.wechat.waits import Stop

#: How many apps are asked at once, by all triggers of a process together. Their requests block, so they get threads of
#: their own: asyncio's default executor serves all other triggers.
_AT_ONCE = 8
_THREADS = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="weanalysis-check")


class WeAnalysisPublishedTrigger(BaseTrigger):
    """Fire when WeChat has published all periods, answers with another error, or the deadline has passed.

    A check is one try: a WeChat that is busy or cannot be reached counts as "not yet". Its arguments are kept in
    Airflow's database: they name connections, and hold neither token nor secret.

    :param apps: what to wait for, as :func:`grouped` returns it.
    :param endpoint: name of the endpoint.
    :param endpoint_options: what the endpoint's own operator takes.
    :param empty_is_ready_after: seconds after a period's end until which an empty reply may mean "not yet".
    :param poll_interval: seconds between two checks, and before the first.
    :param deadline: when to stop waiting: an aware time in ISO 8601.
    """

    def __init__(
        self,
        *,
        apps: Sequence[Mapping[str, Any]],
        endpoint: str,
        endpoint_options: Mapping[str, Any] | None,
        empty_is_ready_after: float,
        poll_interval: float,
        deadline: str,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.apps = apps
        self.endpoint = endpoint
        self.endpoint_options = endpoint_options
        self.empty_is_ready_after = empty_is_ready_after
        self.poll_interval = poll_interval
        self.deadline = deadline
        self._stops: set[Stop] = set()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and its arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "apps": self.apps,
            "endpoint": self.endpoint,
            "endpoint_options": self.endpoint_options,
            "empty_is_ready_after": self.empty_is_ready_after,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check every ``poll_interval`` seconds, and yield one event.

        Its payload: ``reason``, a sentence on why the wait is over; ``deadline``, as given; ``published`` and
        ``waiting``, what is there and what is not, in the form of ``apps``.
        """
        waiting = dict(_each(self.apps))
        total = len(waiting)
        published: dict[AppRef, list[Period]] = {}
        entry, deadline = resolve(self.endpoint, self.endpoint_options), dt.datetime.fromisoformat(self.deadline)
        reason = f"{entry.name}: the wait was over before the first check."
        while waiting and (left := (deadline - dt.datetime.now(dt.UTC)).total_seconds()) > 0:
            await asyncio.sleep(min(self.poll_interval, left))
            try:
                findings = await self._check(waiting)
            except WeAnalysisError as error:  # left to the task: it asks again, and raises what it gets
                reason = str(error)
                break
            reason = describe(entry, {str(app): finding for app, finding in findings.items()}, total)
            for app, finding in findings.items():
                published[app] = published.get(app, []) + finding.published
            waiting = {app: finding.missing for app, finding in findings.items() if finding.missing}
            next_check = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.poll_interval)
            self.log.info("%s", f"{reason} {agenda(min(next_check, deadline), deadline)}" if waiting else reason)
        yield TriggerEvent(
            {
                "reason": reason,
                "deadline": self.deadline,
                "published": grouped(published),
                "waiting": grouped(waiting),
            }
        )

    async def cleanup(self) -> None:
        """End a check that is under way."""
        for stop in list(self._stops):
            stop.set()

    async def _check(self, waiting: Mapping[AppRef, Sequence[Period]]) -> dict[AppRef, Finding]:
        """Ask several apps at once, each in one thread, and close every connection."""
        turns = asyncio.Semaphore(_AT_ONCE)
        hooks = await self._hooks(waiting, turns)
        checks = (self._check_app(app, hooks[app], waiting[app], turns) for app in waiting)
        findings: dict[AppRef, Finding] = {}
        for app, result in zip(waiting, await asyncio.gather(*checks, return_exceptions=True), strict=True):
            if isinstance(result, BaseException):
                raise result
            findings[app] = result
        return findings

    async def _hooks(self, apps: Iterable[AppRef], turns: asyncio.Semaphore) -> dict[AppRef, WeAnalysisHook]:
        """Return a new hook for each app, since the connection may hold a token that expires; each is read once."""
        hooks = shared_hooks(apps, lambda app: WeAnalysisHook(app.conn_id, app.appid, threads=False, attempts=1))

        async def read(hook: WeAnalysisHook) -> None:
            async with turns:
                await hook.aread_connection()

        await asyncio.gather(*map(read, {app.conn_id: hook for app, hook in hooks.items()}.values()))
        return hooks

    async def _check_app(
        self, app: AppRef, hook: WeAnalysisHook, periods: Sequence[Period], turns: asyncio.Semaphore
    ) -> Finding:
        stop = Stop()
        async with turns:
            self._stops.add(stop)
            try:
                findings = await sync_to_async(check, thread_sensitive=False, executor=_THREADS)(
                    {app: periods},
                    {app: hook},
                    resolve(self.endpoint, self.endpoint_options),
                    dt.timedelta(seconds=self.empty_is_ready_after),
                    in_flight=1,
                    stop=stop,
                    threads=False,
                    busy_is_not_yet=True,
                )
            finally:  # also if the trigger is cancelled while the thread runs on
                stop.set()
                self._stops.discard(stop)
            return findings[app]


def grouped(periods: Mapping[Any, Sequence[Period]]) -> list[dict[str, Any]]:
    """Return what to wait for as data, short even for hundreds of apps: MySQL keeps 64 KB of a trigger's arguments.

    :param periods: by app, as its connection's id and its AppID (``None`` for the connection's own).
    :return: one entry for all apps that wait for the same: their ``weanalysis_conn_id`` and ``appids``, as operators
        take them, and their ``periods``, each as first and last day, ``YYYY-MM-DD``.
    """
    own: dict[tuple[Period, ...], list[str]] = {}
    shared: dict[tuple[str, tuple[Period, ...]], list[str]] = {}
    for (conn_id, appid), each in periods.items():
        if each and appid is None:
            own.setdefault(tuple(each), []).append(conn_id)
        elif each:
            shared.setdefault((conn_id, tuple(each)), []).append(appid)
    return [
        *({"weanalysis_conn_id": conn_ids, "appids": None, "periods": _days(each)} for each, conn_ids in own.items()),
        *(
            {"weanalysis_conn_id": conn_id, "appids": appids, "periods": _days(each)}
            for (conn_id, each), appids in shared.items()
        ),
    ]


def _days(periods: Iterable[Period]) -> list[list[str]]:
    return [[str(period.begin_date), str(period.end_date)] for period in periods]


def _each(groups: Iterable[Mapping[str, Any]]) -> Iterator[tuple[AppRef, list[Period]]]:
    """Yield each app of what :func:`grouped` returned, and its periods."""
    for group in groups:
        conn_ids, appids = group["weanalysis_conn_id"], group["appids"]
        apps = [(conn_id, None) for conn_id in conn_ids] if appids is None else [(conn_ids, appid) for appid in appids]
        for app in apps:
            yield AppRef(*app), [Period(*map(parse_date, days)) for days in group["periods"]]
