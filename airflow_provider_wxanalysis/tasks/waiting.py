"""Giving the worker slot back until WeChat has published: the deadline of a wait, and what to raise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from typing import Any

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.periods import Period

#: What Airflow gives as the next method of a task whose deferral it ends itself.
_FAIL = "__fail__"
#: The trigger ends a wait at its deadline. If it does not, as no triggerer runs, the scheduler does so this much later.
_TRIGGERER_GRACE = dt.timedelta(minutes=1)


def deadline_after(seconds: float) -> str:
    """Return the instant so many seconds from now, in ISO 8601."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


def is_past(deadline: str) -> bool:
    """Whether an instant in ISO 8601 has passed."""
    return dt.datetime.now(dt.UTC) >= dt.datetime.fromisoformat(deadline)


def timed_out(next_method: str, next_kwargs: Mapping[str, Any] | None) -> bool:
    """Whether Airflow resumes a deferred task because its trigger did not fire in time.

    Airflow 3 and 2.11 word the error differently; a trigger that failed is another case.
    """
    return next_method == _FAIL and "timeout" in str((next_kwargs or {}).get("error")).lower()


def deferral(
    waits: Mapping[AppRef, Sequence[Period]],
    *,
    endpoint: str,
    endpoint_options: Mapping[str, Any] | None,
    empty_is_ready_after: dt.timedelta,
    poll_interval: float,
    deadline: str,
    ends_by: dt.datetime | None = None,
) -> TaskDeferred:
    """Return what to raise to wait in the triggerer until ``waits`` are published.

    :param waits: what to wait for: periods by app.
    :param endpoint: name of the endpoint.
    :param endpoint_options: what the endpoint's own operator takes.
    :param empty_is_ready_after: how long after a period's end an empty reply may mean "not yet".
    :param poll_interval: seconds between two checks.
    :param deadline: when the trigger stops waiting: an aware time in ISO 8601.
    :param ends_by: when the task's ``execution_timeout`` is over, if it has one.
    """
    from airflow_provider_wxanalysis.triggers.weanalysis import WeAnalysisPublishedTrigger, grouped

    trigger = WeAnalysisPublishedTrigger(
        apps=grouped(waits),
        endpoint=endpoint,
        endpoint_options=_plain(endpoint_options),
        empty_is_ready_after=empty_is_ready_after.total_seconds(),
        poll_interval=poll_interval,
        deadline=deadline,
    )
    ends = dt.datetime.fromisoformat(deadline) + _TRIGGERER_GRACE
    timeout = min(ends, ends_by or ends) - dt.datetime.now(dt.UTC)
    return TaskDeferred(trigger=trigger, method_name="execute_complete", timeout=max(timeout, dt.timedelta(seconds=1)))


def _plain(value: Any) -> Any:
    """Return a copy made of dicts and lists only, which Airflow can keep in its database."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (Sequence, Set)) and not isinstance(value, (str, bytes)):
        return [_plain(each) for each in value]
    return value
