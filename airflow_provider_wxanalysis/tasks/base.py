"""What operators, sensor and transfer share: an endpoint, a connection, the periods of the run, and waiting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_wxanalysis.endpoints import Endpoint, resolve
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.periods import SHANGHAI, Period
from airflow_provider_wxanalysis.tasks.runs import explicit_periods, run_periods

#: What Airflow's grid calls a mapped task instance: a connection stands for an app.
MAP_INDEX_TEMPLATE = "{{ task.weanalysis_conn_id }} {{ task.endpoint }}"

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook


class EndpointTask:
    """The arguments that say what to ask WeChat for, and what follows from them.

    A mixin for operators; they store the arguments and call :meth:`check_literals` at the end of their constructor.
    """

    endpoint: str
    endpoint_options: Mapping[str, Any] | None
    weanalysis_conn_id: str
    from_date: str | None
    to_date: str | None

    endpoint_template_fields = ("weanalysis_conn_id", "from_date", "to_date")

    def check_literals(self) -> None:
        """Refuse what cannot work, as far as it is known before templates are rendered.

        :raises ConfigurationError: so that Airflow shows it as the DAG file's import error.
        """
        entry = self.entry
        if is_literal(self.from_date) and is_literal(self.to_date) and (self.from_date or self.to_date):
            explicit_periods(entry.window, self.from_date, self.to_date, pendulum.now(SHANGHAI))

    def pre_execute(self, context: Any) -> None:
        """Label the instances of a mapped task with app and endpoint, unless it has a ``map_index_template``."""
        super().pre_execute(context)  # type: ignore[misc]
        if context.get("map_index_template") is None:
            context["map_index_template"] = MAP_INDEX_TEMPLATE  # here, since Airflow overlooks defaults before 3.3

    @property
    def entry(self) -> Endpoint:
        """The catalogue's entry, with the endpoint's options applied."""
        return resolve(self.endpoint, self.endpoint_options)

    @cached_property
    def hook(self) -> WeAnalysisHook:
        """The way to WeChat."""
        from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook

        return WeAnalysisHook(self.weanalysis_conn_id)

    def due_periods(self, context: Mapping[str, Any]) -> list[Period]:
        """Return the periods that this run owes.

        :raises AirflowSkipException: if it owes none.
        """
        return run_periods(self.entry, context, self.from_date, self.to_date)

    def deferral(
        self, periods: Iterable[Period], *, empty_is_ready_after: dt.timedelta, poll_interval: float, deadline: str
    ) -> TaskDeferred:
        """Return what to raise to give the worker slot back until it is worth asking for ``periods`` again.

        Airflow then calls ``execute_complete`` with the trigger's event, which holds the deadline.

        :param periods: the periods to wait for.
        :param empty_is_ready_after: how long after a period's end an empty reply may mean "not yet".
        :param poll_interval: seconds between two looks.
        :param deadline: when to stop waiting: an aware time in ISO 8601.
        """
        from airflow_provider_wxanalysis.triggers.weanalysis import WeAnalysisPublishedTrigger

        trigger = WeAnalysisPublishedTrigger(
            weanalysis_conn_id=self.weanalysis_conn_id,
            endpoint=self.endpoint,
            endpoint_options=self.endpoint_options,
            periods=[[str(period.begin_date), str(period.end_date)] for period in periods],
            empty_is_ready_after=empty_is_ready_after.total_seconds(),
            poll_interval=poll_interval,
            deadline=deadline,
        )
        return TaskDeferred(trigger=trigger, method_name="execute_complete")


def deadline_after(seconds: float) -> str:
    """Return the instant so many seconds from now, in ISO 8601."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


def is_past(deadline: str) -> bool:
    """Whether an instant in ISO 8601 has passed."""
    return dt.datetime.now(dt.UTC) >= dt.datetime.fromisoformat(deadline)


def is_literal(value: object) -> bool:
    """Whether an argument is known when the DAG is parsed: no template and no output of another task."""
    return value is None or (isinstance(value, str) and "{{" not in value and "{%" not in value)


@contextmanager
def fail_for_good() -> Iterator[None]:
    """End the task at once, without Airflow's retries, on an error that no retry can mend."""
    try:
        yield
    except WeAnalysisError as error:
        if error.retryable:
            raise
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error
