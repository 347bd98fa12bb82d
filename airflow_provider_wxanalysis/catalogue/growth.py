"""Maturing figures: when each part of a retention slice is over, and what can have grown since the slice was loaded."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection
from typing import NamedTuple

from airflow_provider_wxanalysis.periods import Period, Window


class Closing(NamedTuple):
    """When the period that an offset stands for is over.

    :param offset: how many periods after the cohort's own.
    :param closes_at: UTC.
    """

    offset: int
    closes_at: dt.datetime


@functools.lru_cache(4096)  # coverage asks once per app, and the answer is the same for all of them
def closings(window: Window, offsets: tuple[int, ...], period: Period) -> tuple[Closing, ...]:
    """Return when the period at each of ``offsets`` after ``period`` is over."""
    return tuple(Closing(offset, utc(window.later(period, offset).closes_at)) for offset in offsets)


def grown(
    parts: tuple[Closing, ...],
    loaded_at: dt.datetime | None,
    now: dt.datetime,
    published_after: dt.timedelta,
    present: Collection[int] = (),
) -> tuple[int, ...]:
    """Return the offsets of ``parts`` that WeChat can have published since a slice was loaded.

    In a slice loaded later than ``published_after`` the close, a figure counts as seen even if WeChat left it out, as
    it does with zeros; otherwise it would be asked for again and again. Where it is unknown when the rows were written
    (``None``), every offset that they lack can have grown.
    """
    return tuple(
        offset
        for offset, closes_at in parts
        if closes_at <= now and offset not in present and (loaded_at is None or loaded_at < closes_at + published_after)
    )


def utc(instant: dt.datetime) -> dt.datetime:
    """Return an instant in Python's own UTC, which compares some ten times as fast as a zone with a calendar."""
    return dt.datetime.fromtimestamp(instant.timestamp(), dt.UTC)
