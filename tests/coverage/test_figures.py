"""Figures for the page, from the rows of the coverage query."""

from __future__ import annotations

import datetime as dt

from airflow_provider_wxanalysis.coverage.figures import read_figures
from airflow_provider_wxanalysis.coverage.snapshot import Figures, Page
from airflow_provider_wxanalysis.periods import Period

DAY = dt.date(2026, 11, 25)


def day(back):
    return Period(DAY - dt.timedelta(days=back), DAY - dt.timedelta(days=back))


def page(path, visits, users):
    return {"page_rank": 1, "page_path": path, "page_visit_pv": visits, "page_visit_uv": users}


def test_each_kind_of_figure_of_each_app():
    found = read_figures(
        {
            "daily_visit_trend": {"wx1": {day(0): [{"visit_uv": 3, "visit_pv": None}]}},
            "daily_retain": {"wx1": {day(1): [{"period_offset": 0, "users": 9}, {"period_offset": 1, "users": None}]}},
            "visit_page": {"wx2": {day(0): [page("a", 4, 2)]}},
            "daily_summary": {"wx3": {day(0): [{}]}},
        }
    )
    assert found == {
        "wx1": Figures({day(0).end_date: (3, None)}, {day(1).end_date: {0: 9, 1: None}}, []),
        "wx2": Figures({}, {}, [Page("a", 4, 2)]),
    }


def test_pages_of_the_newest_week_the_most_visited_first():
    rows = {day(back): [page("a", 1, 1), page("b", 10 if back == 0 else None, 2)] for back in range(7)}
    rows[day(7)] = [page("a", 1000, 1000)]
    assert read_figures({"visit_page": {"wx1": rows}})["wx1"].pages == [Page("b", 10, 14), Page("a", 7, 7)]


def test_nothing():
    assert read_figures({}) == {}
    assert read_figures({"visit_page": {"wx1": {}}}) == {"wx1": Figures({}, {}, [])}
