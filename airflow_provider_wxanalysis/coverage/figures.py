"""Some figures of an app for the page to draw, from rows that the coverage query returns as well."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_wxanalysis.coverage.snapshot import Figures, Page
from airflow_provider_wxanalysis.periods import Period

#: Of an app: by period, rows with some of the endpoint's columns.
Rows = Mapping[Period, Sequence[Mapping[str, Any]]]

_PAGE_DAYS = 7


def read_figures(rows: Mapping[str, Mapping[str, Rows]]) -> dict[str, Figures]:
    """Return each app's figures.

    :param rows: by endpoint, app and period.
    """
    visits, retention, pages = (rows.get(name, {}) for name in ("daily_visit_trend", "daily_retain", "visit_page"))
    return {
        appid: Figures(
            {
                period.begin_date: (row["visit_uv"], row["visit_pv"])
                for period, found in visits.get(appid, {}).items()
                for row in found
            },
            {
                period.begin_date: {row["period_offset"]: row["users"] for row in found}
                for period, found in retention.get(appid, {}).items()
            },
            _top_pages(pages.get(appid, {})),
        )
        for appid in {*visits, *retention, *pages}
    }


def _top_pages(found: Rows) -> list[Page]:
    """Return the pages of the newest days, the most visited first; users are counted once a day."""
    if not found:
        return []
    first = max(period.end_date for period in found) - dt.timedelta(days=_PAGE_DAYS - 1)
    newest = [row for period, rows in found.items() if period.end_date >= first for row in rows]
    visits, users = _sum(newest, "page_visit_pv"), _sum(newest, "page_visit_uv")
    return [Page(path, count, users[path]) for path, count in visits.most_common()]


def _sum(rows: Iterable[Mapping[str, Any]], column: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in rows:
        total[row["page_path"] or ""] += row[column] or 0
    return total
