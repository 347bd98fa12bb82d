"""A trigger that waits until it is worth asking WeChat again.

It says no more than that: the task then asks itself, so that every error shows where it belongs, with its own type.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_wxanalysis.endpoints import resolve
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.hooks.readiness import not_yet
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period, parse_date


class WeAnalysisPublishedTrigger(BaseTrigger):
    """Fire when WeChat has published all periods, answers with another error, or the deadline has passed.

    Its arguments are kept in Airflow's database: they name the connection, and hold neither token nor secret.

    :param apps: what to wait for: for each app its ``weanalysis_conn_id``, its ``appid`` (``None`` for the connection's
        own), and its ``periods``, each as first and last day, ``YYYY-MM-DD``.
    :param endpoint: name of the endpoint.
    :param endpoint_options: what the endpoint's own operator takes.
    :param empty_is_ready_after: seconds after a period's end until which an empty reply may mean "not yet".
    :param poll_interval: seconds between two looks; the first comes after as long.
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
        """Look every ``poll_interval`` seconds, and yield one event: why the wait is over, and the deadline it had."""
        delay = dt.timedelta(seconds=self.empty_is_ready_after)
        reason: str | None = "not asked yet"
        while reason and (left := self._seconds_left()) > 0:
            await asyncio.sleep(min(self.poll_interval, left))
            try:
                for app in self.apps:
                    if reason := await self._look(app, delay):
                        break
            except WeAnalysisError as error:  # the task's business: it asks again, and raises what it gets
                reason = str(error)
                break
            self.log.info("%s", reason or f"{self.endpoint}: published.")
        yield TriggerEvent({"reason": reason or "published", "deadline": self.deadline})

    async def _look(self, app: Mapping[str, Any], delay: dt.timedelta) -> str | None:
        look = sync_to_async(not_yet, thread_sensitive=False)  # requests blocks, and the triggerer's loop must not
        # A new hook for each look, as its connection may hold a token that ends.
        with WeAnalysisHook(app["weanalysis_conn_id"], app["appid"], threads=False) as hook:
            await hook.aread_connection()
            periods = [Period(*(parse_date(day) for day in days)) for days in app["periods"]]
            return await look(hook, resolve(self.endpoint, self.endpoint_options), periods, delay)

    def _seconds_left(self) -> float:
        return (dt.datetime.fromisoformat(self.deadline) - dt.datetime.now(dt.UTC)).total_seconds()
