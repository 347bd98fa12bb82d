"""Which periods a run owes: from Airflow's context to the calendar."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

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

log = logging.getLogger(__name__)

MAX_LOOKBACK = 366
_PARTITION_KEYS = ("YYYY-MM-DDTHH:mm:ss", "YYYY-MM-DD", "YYYYMMDD", "YYYY-MM", "YYYYMM")


def explicit_periods(window: Window, from_date: Any, to_date: Any, now: dt.datetime) -> list[Period]:
    """Return the periods between two dates given by a person.

    :param from_date: first day, ``YYYY-MM-DD``, ``YYYYMMDD`` or a ``date``.
    :param to_date: last day, inclusive.
    :param now: aware; periods that have not ended by then are refused.
    :raises ConfigurationError: if the dates cannot be read, are no whole periods, or have not passed.
    """
    if not from_date or not to_date:
        raise ConfigurationError(f"from_date={from_date!r} and to_date={to_date!r} go together; give both or neither.")
    periods = window.between(_plausible(_date(from_date)), _plausible(_date(to_date)))
    if periods[-1].end_date > last_closed_day(now):
        raise ConfigurationError(
            f"to_date {periods[-1].end_date} has not ended yet in Asia/Shanghai; the last day that has is "
            f"{last_closed_day(now)}."
        )
    return periods


def run_periods(endpoint: Endpoint, context: Mapping[str, Any], from_date: Any, to_date: Any) -> list[Period]:
    """Return the periods of ``endpoint`` that this run owes, in order.

    What counts as the run's interval, first that there is: explicit dates, the partition, the data interval, the
    logical date, the time the run was due.

    :param context: Airflow's context; keys may be missing, as they are in asset-triggered runs.
    :raises AirflowSkipException: if the run owes none, saying why.
    """
    now = pendulum.now(SHANGHAI)
    if from_date or to_date:
        periods, interval = explicit_periods(endpoint.window, from_date, to_date, now), f"{from_date} to {to_date}"
    elif context.get("partition_key") is not None or context.get("partition_date") is not None:
        periods, interval = _partition(endpoint.window, context, now)
    elif getattr(context.get("dag_run"), "partition_key", None) is not None:
        raise ConfigurationError(
            "This Airflow runs partitions but tells tasks nothing of them, and writes their keys in UTC. They need "
            "Airflow 3.3 or later; until then use a timetable with data intervals, or give from_date and to_date."
        )
    else:
        start, end = _interval(context)
        periods, interval = due_periods(endpoint.window, start, end), f"{start} to {end}"
    if not periods:
        raise AirflowSkipException(
            f"{endpoint.name}: no {endpoint.window.name} ends in the run's interval ({interval}), so nothing is due. "
            "Times count in Asia/Shanghai."
        )
    return _answerable(endpoint, periods, now) if endpoint.reach_days is not None else periods


def lookback_offsets(lookback: Any) -> tuple[int, ...]:
    """Return which earlier periods ``lookback`` stands for: a number of periods, or offsets.

    :raises ConfigurationError: if it is negative, no number, or beyond :data:`MAX_LOOKBACK`.
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
        f"lookback={lookback!r} is neither a number of periods from 0 to {MAX_LOOKBACK} nor a list of offsets "
        f"from 1 to {MAX_LOOKBACK}. To load a longer past, give from_date and to_date."
    )


def earlier_periods(endpoint: Endpoint, due: Iterable[Period], offsets: Iterable[int]) -> list[Period]:
    """Return the periods that lie ``offsets`` before those due, each once and without those due, in order.

    There are none of an endpoint that tells of yesterday alone.
    """
    if endpoint.reach_days is not None:
        return []
    due = set(due)
    return sorted({endpoint.window.earlier(period, offset) for period in due for offset in offsets} - due)


def is_backfill(context: Mapping[str, Any]) -> bool:
    """Whether the run belongs to a backfill."""
    run_type = getattr(context.get("dag_run"), "run_type", None)
    return getattr(run_type, "value", run_type) == "backfill"


def _answerable(endpoint: Endpoint, periods: list[Period], now: dt.datetime) -> list[Period]:
    yesterday = last_closed_day(now)
    kept = [period for period in periods if period.end_date == yesterday]
    lost = ", ".join(str(period) for period in periods if period.end_date != yesterday)
    why = f"WeChat answers {endpoint.name} only for the window that ends yesterday ({yesterday} in Asia/Shanghai)"
    if not kept:
        raise AirflowSkipException(f"{why}; this run owes {lost}, which cannot be had any more. Nothing was asked.")
    if lost:
        log.warning("%s; not asked for: %s.", why, lost)
    return kept


def _partition(window: Window, context: Mapping[str, Any], now: dt.datetime) -> tuple[list[Period], str]:
    key, date = context.get("partition_key"), context.get("partition_date")
    instant = date if date is not None else _parse_partition(key)
    period = window.containing(_plausible(dt.date.fromordinal(instant.astimezone(SHANGHAI).toordinal())))
    if period.closes_at <= now:
        return [period], f"partition {key or date}"
    if window in (WEEK, MONTH):
        raise AirflowSkipException(f"The {window.name} {period} of partition {key or date} has not ended yet.")
    raise ConfigurationError(
        f"Partition {key or date} stands for {period.end_date}, which has not ended yet in Asia/Shanghai. A daily "
        "CronPartitionTimetable needs run_offset=-1 to stand for the day before."
    )


def _parse_partition(key: Any) -> dt.datetime:
    for form in _PARTITION_KEYS:
        try:
            return pendulum.from_format(str(key), form, tz=SHANGHAI)
        except ValueError:
            continue
    raise ConfigurationError(
        f"Partition key {key!r} holds no date this package can read; use key_format='%Y-%m-%d' or a timetable that "
        "sets the partition date."
    )


def _plausible(day: dt.date) -> dt.date:
    """Refuse what the calendar has and mini programs have not; it also keeps arithmetic within the calendar."""
    if not 2017 <= day.year <= 2999:
        raise ConfigurationError(f"{day} cannot be right: mini programs have had figures since 2017.")
    return day


def _interval(context: Mapping[str, Any]) -> tuple[dt.datetime | None, dt.datetime]:
    end = context.get("data_interval_end")
    if end is not None:
        return context.get("data_interval_start"), end
    anchor = context.get("logical_date") or getattr(context.get("dag_run"), "run_after", None)
    if anchor is None:
        raise ConfigurationError("The run has neither data interval, logical date nor run_after; give from_date.")
    return None, anchor


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    return parse_date(str(value))
