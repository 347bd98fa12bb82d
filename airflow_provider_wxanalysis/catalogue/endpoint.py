"""What an endpoint is: where to ask, for which kind of period, and what the reply holds."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from airflow_provider_wxanalysis.catalogue import growth, shapes
from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING, LOAD, Column
from airflow_provider_wxanalysis.catalogue.performance import Selection
from airflow_provider_wxanalysis.periods import MONTH, Period, Window


class Request(NamedTuple):
    """One call that fetches a period or a part of it.

    :param body: the JSON body.
    :param selection: columns that the request fixes, because the reply does not repeat them.
    """

    body: dict[str, Any]
    selection: Selection


def _dates(period: Period, selection: Selection) -> dict[str, Any]:
    return {"begin_date": _compact(period.begin_date), "end_date": _compact(period.end_date)}


@functools.lru_cache(maxsize=4096)
def _compact(day: dt.date) -> str:
    return day.isoformat().replace("-", "")  # strftime takes several times as long


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: where to ask, for which kind of period, and what the reply holds.

    :param name: the name used everywhere in this package.
    :param api_name: WeChat's English name of the interface.
    :param zh: what it reports, in Chinese.
    :param en: what it reports, in English.
    :param path: URL path.
    :param window: the kind of period it answers for.
    :param columns: its own columns; :attr:`table_columns` has the common ones too.
    :param shape: how to walk a reply.
    :param docs: URL of WeChat's reference page.
    :param refresh_offsets: how many periods back the figures still grow; a transfer fetches those again.
    :param reach_days: for how many days after a period has closed WeChat still serves it; ``None`` for no limit.
    :param row_limit: how many rows WeChat gives at most, if it truncates the list.
    :param selections: the parts in which one period is fetched, one request each.
    :param body: makes a request's JSON body from a period and a selection.
    :param configure: applies the options that the endpoint's own operator takes; ``None`` if it takes none.
    """

    name: str
    api_name: str
    zh: str
    en: str
    path: str
    window: Window
    columns: tuple[Column, ...]
    shape: shapes.Shape
    docs: str
    refresh_offsets: tuple[int, ...] = ()
    reach_days: int | None = None
    row_limit: int | None = None
    selections: tuple[Selection, ...] = ({},)
    body: Callable[[Period, Selection], dict[str, Any]] = _dates
    configure: Callable[[Endpoint, Mapping[str, Any]], Endpoint] | None = None

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """All columns of the endpoint's table, in order."""
        return (*LEADING, *self.columns, EXTRA, *LOAD)

    @property
    def description(self) -> str:
        """The text that BigQuery shows next to the table."""
        limit = f" 仅前 {self.row_limit} 行 / only the top {self.row_limit}." if self.row_limit else ""
        return f"{self.zh} / {self.en} ({self.api_name}).{limit} {self.docs}"

    @property
    def label(self) -> str:
        """The table's ``weanalysis_endpoint`` label: the name and, where a period has parts, a hash of those chosen."""
        if self.selections == ({},):
            return self.name
        chosen = json.dumps(sorted(sorted(selection.items()) for selection in self.selections))
        return f"{self.name}-{hashlib.sha256(chosen.encode()).hexdigest()[:8]}"

    def requests(self, period: Period) -> list[Request]:
        """Return the calls that fetch ``period``."""
        return [Request(self.body(period, selection), selection) for selection in self.selections]

    def truncated(self, rows: int) -> bool:
        """Whether a period has so many ``rows`` that WeChat has probably truncated its list."""
        return self.row_limit is not None and rows >= self.row_limit

    def closings(self, period: Period) -> tuple[growth.Closing, ...]:
        """Return when the period at each of ``refresh_offsets`` after ``period`` is over."""
        return growth.closings(self.window, self.refresh_offsets, period)

    def grown_since(
        self,
        period: Period,
        loaded_at: dt.datetime | None,
        now: dt.datetime,
        published_after: dt.timedelta,
        present: Collection[int] = (),
    ) -> tuple[int, ...]:
        """Return the ``refresh_offsets`` whose figures may have appeared since the slice of ``period`` was loaded.

        A figure appears once the period at its offset has closed and WeChat has published it. A slice loaded within
        ``published_after`` of the close may be too early to hold it; one loaded later holds all there is.

        :param period: the period loaded.
        :param loaded_at: when it was loaded; aware. ``None`` if that is unknown, as of rows that no load wrote.
        :param now: the time; aware.
        :param published_after: how long after a period's end WeChat has surely published it.
        :param present: offsets that the slice is known to hold.
        """
        return growth.grown(self.closings(period), loaded_at, now, published_after, present)

    def ref_dates(self, period: Period) -> frozenset[str]:
        """Return the spellings of ``period`` that a reply may carry."""
        begin, end = _compact(period.begin_date), _compact(period.end_date)
        if self.reach_days is not None:  # the reference documents a range; its sample and real replies show one day
            return frozenset({begin, end, f"{begin}-{end}"})
        if begin == end:
            return frozenset({begin})
        return frozenset({begin[:6] if self.window == MONTH else f"{begin}-{end}"})
