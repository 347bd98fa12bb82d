"""The lines that a person reads in a load's log."""

from __future__ import annotations

import datetime as dt

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.exceptions import DataNotReadyError, Failure
from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.periods import DAY
from airflow_provider_wxanalysis.tasks import telling
from airflow_provider_wxanalysis.tasks.results import AppResult, LoadResult

TABLE = TableName("p", "d", "visit_page")
DAYS = tuple(DAY.latest(dt.date(2026, 3, day)) for day in range(1, 31))


def result(apps, **more):
    return LoadResult(TABLE, "visit_page", ("job1", "job2"), apps, **more)


def test_the_first_line_says_what_is_about_to_happen():
    said = telling.beginning("visit_page", "shop, magazine", TABLE, DAYS[-1:], [])
    assert said == "Loading visit_page of shop, magazine into p.d.visit_page: 2026-03-30."
    said = telling.beginning("visit_page", "shop", TABLE, DAYS, DAYS[:9])
    assert said == (
        "Loading visit_page of shop into p.d.visit_page: 2026-03-01 to 2026-03-30 (30 periods), and of 9 earlier "
        "periods those that have grown."
    )


def test_the_last_line_says_what_came_of_it():
    said = telling.ending(
        result(
            {
                "wx1": AppResult(5800, DAYS[:29], DAYS[29:], DAYS[:3]),
                "wx2": AppResult(30, DAYS[:1], (), ()),
            }
        ),
        61.2,
    )
    assert said == (
        "Now in p.d.visit_page: 30 periods of 2 apps, 5,830 rows, by 2 statements, after 61 s. Empty: 2026-03-30 of "
        "app wx1. Truncated by WeChat: 2026-03-01 to 2026-03-03 (3 periods) of app wx1."
    )


def test_each_app_that_lacks_something_has_one_line():
    apps = {"wx1": AppResult(10, DAYS[:1], DAYS[1:3], DAYS[:1]), "wx2": AppResult(200, DAYS[:1], (), DAYS[:1])}
    failures = tuple(
        Failure(appid, period, DataNotReadyError(61503, "")) for appid in ("wx1", "wx3") for period in DAYS[3:5]
    )
    said = [*telling.per_app(result(apps, waits={AppRef("shop"): DAYS[-1:]}, failures=failures))]
    assert said == [
        "App wx1: empty: 2026-03-02, 2026-03-03; DataNotReadyError: 2026-03-04, 2026-03-05.",
        "App shop: not published: 2026-03-30.",
        "App wx3: DataNotReadyError: 2026-03-04, 2026-03-05.",
    ]


def test_it_is_one_line_with_five_hundred_apps_too():
    apps = {f"wx{number:016}": AppResult(200, DAYS, DAYS[:2], DAYS) for number in range(500)}
    assert len(telling.ending(result(apps), 3600)) < 700


def test_the_wait_is_given_in_the_time_of_shanghai(monkeypatch):
    waits = {AppRef("shop"): DAYS[-1:], AppRef("magazine"): DAYS[-2:]}
    failures = (Failure("wx3", DAYS[0], DataNotReadyError(61503, "")),)
    said = telling.waiting(
        result({}, waits=waits, failures=failures), 600, dt.datetime(2026, 3, 31, 10, 30, tzinfo=dt.UTC).isoformat()
    )
    assert said.startswith("visit_page 2026-03-29, 2026-03-30 of shop, magazine: not published. Next check ")
    assert "giving up 2026-03-31 18:30 Asia/Shanghai. " in said
    assert said.endswith("1 period could not be fetched and will be tried again then.")
