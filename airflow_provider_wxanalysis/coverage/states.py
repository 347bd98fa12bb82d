"""The state of every expected period of an endpoint, app by app."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from airflow_provider_wxanalysis.catalogue.growth import grown, utc
from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.periods import DAY, MONTH, WEEK, Period, last_closed_day

_ONE_DAY = dt.timedelta(days=1)


class State(StrEnum):
    """What is known of one period of one app; the order is that of reports, the good ones first.

    ``loaded``: rows are there. ``maturing``: retention that still grows. ``truncated``: as many rows as WeChat gives at
    most. ``empty``: WeChat had nothing, and a load has recorded it. ``pending``: WeChat may not have published yet.
    ``missing``: not there. ``stale``: retention that was not refreshed. ``doubled``: rows of more than one load.
    ``lost``: not there, and WeChat does not answer for it any more.
    """

    LOADED = "loaded"
    MATURING = "maturing"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    PENDING = "pending"
    MISSING = "missing"
    STALE = "stale"
    DOUBLED = "doubled"
    LOST = "lost"


#: The states that loading again puts right.
HEALED = frozenset({State.MISSING, State.STALE, State.DOUBLED})


class Found(NamedTuple):
    """What a slice of a table holds.

    :param rows: how many rows, at least one.
    :param loads: how many loads they come from; more than one means that the slice was written twice, none that the
        rows are the user's own.
    :param loaded_at: aware; when the newest of them was written. ``None`` if no load wrote them.
    :param offsets: the retention offsets among them.
    :param dag_id: the DAG that wrote them, if known.
    :param run_id: its run.
    :param task_id: its task.
    """

    rows: int
    loads: int
    loaded_at: dt.datetime | None
    offsets: frozenset[int] = frozenset()
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None


@dataclass(frozen=True)
class Coverage:
    """One endpoint's states.

    :param endpoint: the catalogue's entry.
    :param periods: the periods expected, the oldest first.
    :param states: by app, the state of each of ``periods``.
    """

    endpoint: Endpoint
    periods: tuple[Period, ...]
    states: Mapping[str, tuple[State, ...]] = field(default_factory=dict)


def expected_periods(endpoint: Endpoint, since: dt.date, now: dt.datetime) -> tuple[Period, ...]:
    """Return the periods that should be there: days, weeks and months within ``since`` to yesterday (Asia/Shanghai).

    Of rolling windows, those that end on one of these days.

    :param endpoint: the catalogue's entry.
    :param since: the first day that matters.
    :param now: aware.
    """
    window = endpoint.window
    rolls = window not in (DAY, WEEK, MONTH)
    days = range(since.toordinal(), last_closed_day(now).toordinal() + 1)
    periods = (window.ending(dt.date.fromordinal(day)) for day in days)
    return tuple(period for period in periods if period and (rolls or period.begin_date >= since))


def classify(
    endpoint: Endpoint,
    periods: Sequence[Period],
    found: Mapping[str, Mapping[Period, Found]],
    recorded: Mapping[str, Collection[Period]],
    *,
    now: dt.datetime,
    ready_after: dt.timedelta,
) -> Coverage:
    """Return the state of each of ``periods`` for every app of ``found``.

    :param endpoint: the catalogue's entry.
    :param periods: the periods expected.
    :param found: by app, what its slices hold; slices without rows are absent.
    :param recorded: by app, the periods that a load has accepted as empty.
    :param now: aware.
    :param ready_after: how long after a period's end WeChat may take to publish it.
    """
    now = utc(now)
    judges = [_judge(endpoint, period, now, ready_after) for period in periods]
    states = {
        appid: tuple(
            judge(slices.get(period), period in recorded.get(appid, ()))
            for period, judge in zip(periods, judges, strict=True)
        )
        for appid, slices in found.items()
    }
    return Coverage(endpoint, tuple(periods), states)


def _judge(
    endpoint: Endpoint, period: Period, now: dt.datetime, ready_after: dt.timedelta
) -> Callable[[Found | None, bool], State]:
    """Return a function that classifies one period; what does not depend on the app is worked out once."""
    absent = _absent(endpoint, period, now)
    pending = now < utc(period.closes_at) + ready_after
    parts = endpoint.closings(period)
    moments = dict(parts)
    whole = State.MATURING if any(moment > now for moment in moments.values()) else State.LOADED
    limit = endpoint.row_limit

    def judge(found: Found | None, recorded: bool) -> State:
        if found is None:
            if pending:
                return State.PENDING
            return State.EMPTY if recorded else absent
        if found.loads > 1:
            return State.DOUBLED
        if lacking := grown(parts, found.loaded_at, now, ready_after, found.offsets):
            settled = any(moments[offset] + ready_after <= now for offset in lacking)
            return State.STALE if settled else State.PENDING
        return State.TRUNCATED if limit and found.rows >= limit else whole

    return judge


def _absent(endpoint: Endpoint, period: Period, now: dt.datetime) -> State:
    """Return what a period without rows is: missing, or lost where WeChat has stopped answering for it."""
    if endpoint.reach_days is None:
        return State.MISSING
    return State.LOST if period.end_date <= last_closed_day(now) - endpoint.reach_days * _ONE_DAY else State.MISSING
