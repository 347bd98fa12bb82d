"""Which periods are due in a run: from Airflow's context to the calendar."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NoReturn

import pendulum
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import (
    MONTH,
    SHANGHAI,
    WEEK,
    Period,
    Window,
    due_periods,
    last_closed_day,
    parse_date,
)
from airflow_provider_wxanalysis.tasks.partitions import partition_day

log = logging.getLogger(__name__)

MAX_LOOKBACK = 366


def explicit_periods(window: Window, from_date: Any, to_date: Any, now: dt.datetime | None) -> list[Period]:
    """Return the periods between two dates given by a person.

    :param window: the kind of period.
    :param from_date: first day, ``YYYY-MM-DD``, ``YYYYMMDD`` or a ``date``.
    :param to_date: last day, inclusive.
    :param now: aware; periods that have not ended by then are refused. ``None`` when a DAG is parsed: its tasks may run
        long after that.
    :raises ConfigurationError: if the dates cannot be read, do not make up whole periods, or have not passed.
    """
    if not from_date or not to_date:
        raise ConfigurationError(
            f"from_date and to_date go together, got from_date={from_date!r} and to_date={to_date!r}; give both or "
            "neither."
        )
    periods = window.between(explicit_date(from_date), explicit_date(to_date))
    if now is not None and periods[-1].end_date > last_closed_day(now):
        raise ConfigurationError(
            f"to_date {periods[-1].end_date} has not ended yet in Asia/Shanghai; the last day that has is "
            f"{last_closed_day(now)}."
        )
    return periods


def explicit_date(value: Any) -> dt.date:
    """Read a date given by a person: a text, a ``date``, or the number that native rendering makes of digits.

    :raises ConfigurationError: if it is something else, or a day on which mini programs had no figures.
    """
    if isinstance(value, dt.datetime):
        raise ConfigurationError(f"A date must not have a time of day, got {value!r}; give its .date().")
    return _plausible(value if isinstance(value, dt.date) else parse_date(str(value)))


def run_periods(endpoint: Endpoint, context: Mapping[str, Any], from_date: Any, to_date: Any) -> list[Period]:
    """Return the periods of ``endpoint`` that are due in this run, in order; all have ended.

    What counts as the run's interval is the first of these that it has: explicit dates, the partition, the data
    interval, the logical date, the time the run was due.

    :param endpoint: the catalogue's entry.
    :param context: Airflow's context; keys may be missing, as they are in asset-triggered runs.
    :param from_date: first of the explicit dates, if there are any.
    :param to_date: last of them, inclusive.
    :raises AirflowSkipException: if none is due, saying why.
    """
    now = pendulum.now(SHANGHAI)
    if from_date or to_date:
        periods = explicit_periods(endpoint.window, from_date, to_date, now)
    elif partition := partition_day(context):
        periods = [_partition(endpoint.window, *partition, now)]
    else:
        periods = _interval(endpoint, context, now)
    return periods if endpoint.reach_days is None else _reachable(endpoint, periods, _began(context, now))


def skip(reason: str) -> NoReturn:
    """End the task as skipped. The reason is logged here too, since Airflow's UI may show a skipped task's log empty.

    :raises AirflowSkipException: always.
    """
    log.info("%s", reason)
    raise AirflowSkipException(reason)


def lookback_offsets(lookback: Any) -> tuple[int, ...]:
    """Return which earlier periods ``lookback`` stands for: a number of periods, or offsets.

    :raises ConfigurationError: if it is neither, negative, or beyond :data:`MAX_LOOKBACK`.
    """
    if lookback is None:
        return ()
    if type(lookback) is int and 0 <= lookback <= MAX_LOOKBACK:
        return tuple(range(1, lookback + 1))
    if isinstance(lookback, Collection) and not isinstance(lookback, (str, bytes)):
        offsets = tuple(lookback)
        if all(type(offset) is int and 1 <= offset <= MAX_LOOKBACK for offset in offsets):
            return offsets
    raise ConfigurationError(
        f"lookback must be a number of periods from 0 to {MAX_LOOKBACK} or a list of offsets from 1 to {MAX_LOOKBACK}, "
        f"got {lookback!r}. To load a longer past, give from_date and to_date."
    )


def earlier_periods(endpoint: Endpoint, due: Iterable[Period], offsets: Iterable[int]) -> list[Period]:
    """Return the periods that lie ``offsets`` before those due, each once and without those due, in order.

    An endpoint that WeChat serves for a few days only has none.
    """
    if endpoint.reach_days is not None:
        return []
    due = set(due)
    return sorted({endpoint.window.earlier(period, offset) for period in due for offset in offsets} - due)


def is_backfill(context: Mapping[str, Any]) -> bool:
    """Whether the run belongs to a backfill."""
    run_type = getattr(context.get("dag_run"), "run_type", None)
    return getattr(run_type, "value", run_type) == "backfill"


def _reachable(endpoint: Endpoint, periods: list[Period], began: dt.datetime) -> list[Period]:
    """Leave out what WeChat had stopped answering for before the run began.

    A window that is lost later is still asked for: WeChat refuses it, and the task fails instead of hiding the loss.
    """
    assert endpoint.reach_days is not None
    first = last_closed_day(began) - dt.timedelta(days=endpoint.reach_days - 1)
    kept = [period for period in periods if period.end_date >= first]
    lost = ", ".join(str(period) for period in periods if period.end_date < first)
    why = f"{endpoint.name}: when this run began, WeChat answered only for windows that end on {first} or later"
    if not kept:
        skip(f"{why} (Asia/Shanghai), so {lost} can no longer be fetched. Nothing was asked.")
    if lost:
        log.warning("%s (Asia/Shanghai); not asked for: %s.", why, lost)
    return kept


def _began(context: Mapping[str, Any], now: dt.datetime) -> dt.datetime:
    starts = (getattr(context.get(name), "start_date", None) for name in ("dag_run", "ti"))
    return min((start for start in starts if start), default=now)


def _partition(window: Window, day: dt.date, name: str, now: dt.datetime) -> Period:
    period = window.containing(_plausible(day))
    if period.closes_at <= now:
        return period
    if window in (WEEK, MONTH):
        skip(f"The {window.name} {period} of partition {name} has not ended yet in Asia/Shanghai.")
    raise ConfigurationError(
        f"Partition {name} stands for {period.end_date}, which has not ended yet in Asia/Shanghai. A daily "
        "CronPartitionTimetable needs run_offset=-1 to stand for the day before."
    )


def _interval(endpoint: Endpoint, context: Mapping[str, Any], now: dt.datetime) -> list[Period]:
    """Return what the run's interval holds, up to now: one that a person chose may end in the future."""
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if end is None:
        start, end = None, context.get("logical_date") or getattr(context.get("dag_run"), "run_after", None)
    if end is None:
        raise ConfigurationError("The run has neither data interval, logical date nor run_after; give from_date.")
    if start is None or start == end:
        return due_periods(endpoint.window, None, min(end, now))
    if start < now and (periods := due_periods(endpoint.window, start, min(end, now))):
        return periods
    skip(
        f"{endpoint.name}: no {endpoint.window.name} ended in the run's interval, {_clock(start)} to {_clock(end)} "
        "Asia/Shanghai, so nothing is due."
    )


def _clock(instant: dt.datetime) -> str:
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _plausible(day: dt.date) -> dt.date:
    """Refuse days on which no mini program had figures, which also keeps arithmetic within the calendar."""
    if not 2017 <= day.year <= 2999:
        raise ConfigurationError(f"{day} cannot be right: mini programs have had figures since 2017.")
    return day
