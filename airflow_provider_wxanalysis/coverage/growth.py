"""When a retention slice lacks figures that WeChat has published since it was loaded.

One notion for two readers: a load uses it to fetch only those earlier periods that can have grown, coverage to find
slices that were never refreshed.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection
from typing import NamedTuple

from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.periods import Period, Window


class Closing(NamedTuple):
    """When the period that an offset stands for is over.

    :param offset: how many periods after the cohort's own.
    :param closes_at: UTC.
    """

    offset: int
    closes_at: dt.datetime


def closings(endpoint: Endpoint, period: Period) -> tuple[Closing, ...]:
    """Return when each of the endpoint's ``refresh_offsets`` closes for the cohort of ``period``."""
    return _closings(endpoint.window, endpoint.refresh_offsets, period)


def grown_offsets(
    endpoint: Endpoint,
    period: Period,
    loaded_at: dt.datetime,
    *,
    now: dt.datetime,
    ready_after: dt.timedelta,
    present: Collection[int] = (),
) -> tuple[int, ...]:
    """Return the offsets that WeChat may have published since a slice was loaded: those whose period is over.

    Once loaded later than ``ready_after`` a figure counts as seen even if WeChat left it out, as it does with zeros;
    so asking for what has grown comes to an end.

    :param endpoint: the catalogue's entry; without ``refresh_offsets`` nothing grows.
    :param period: the slice's period.
    :param loaded_at: aware; when the slice was written.
    :param now: aware.
    :param ready_after: how long after a period's end WeChat may take to publish it.
    :param present: offsets that the slice is known to hold.
    """
    return tuple(
        offset
        for offset, closes_at in closings(endpoint, period)
        if closes_at <= now and loaded_at < closes_at + ready_after and offset not in present
    )


@functools.lru_cache(4096)  # coverage asks once per app, and the answer is the same for all of them
def _closings(window: Window, offsets: tuple[int, ...], period: Period) -> tuple[Closing, ...]:
    return tuple(Closing(offset, utc(window.later(period, offset).closes_at)) for offset in offsets)


def utc(instant: dt.datetime) -> dt.datetime:
    """Return an instant in Python's own UTC, which compares some ten times as fast as a zone with a calendar."""
    return dt.datetime.fromtimestamp(instant.timestamp(), dt.UTC)
