"""Gaps of every kind, made in real tables, found by the coverage task and closed by loading its plan: exactly."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_provider_wxanalysis.periods import WEEK
from airflow_provider_wxanalysis.tasks.outcomes import ON_EMPTY
from tests.coverage.conftest import DAYS, MAGAZINE, SHOP, SINCE, YESTERDAY, asked, back


def delete(bq, dataset, endpoint, day):
    bq.query_and_wait(f"DELETE FROM `{dataset}.{endpoint}` WHERE begin_date = DATE '{day}'")


def test_deleted_days_come_back_and_nothing_else(healing, bq, dataset, read):
    healing.days("daily_summary", SINCE, YESTERDAY)
    whole = read(f"{dataset}.daily_summary")
    for day in (back(5), back(4), back(1)):
        delete(bq, dataset, "daily_summary", day)
    assert healing.heal("daily_summary") == asked("daily_summary", back(5), back(4), back(1))
    assert read(f"{dataset}.daily_summary") == whole
    assert healing.heal("daily_summary") == []


def test_a_doubled_slice_is_written_again(healing, bq, dataset, read):
    healing.days("visit_distribution", SINCE, YESTERDAY)
    whole = read(f"{dataset}.visit_distribution")
    bq.query_and_wait(f"""INSERT INTO `{dataset}.visit_distribution`
        SELECT * REPLACE ('another' AS _load_id) FROM `{dataset}.visit_distribution`
        WHERE begin_date = DATE '{back(3)}'""")
    assert healing.heal("visit_distribution") == asked("visit_distribution", back(3))
    assert read(f"{dataset}.visit_distribution") == whole


def test_apps_and_endpoints_added_later(healing, read, dataset):
    healing.days("daily_summary", SINCE, YESTERDAY)
    both = ("shop", "magazine")
    everything = [back(days) for days in range(DAYS)]
    assert healing.heal("daily_summary", conn_ids=both) == asked("daily_summary", *everything, appid=MAGAZINE)
    plan = healing.coverage("daily_summary", "visit_page", conn_ids=both)
    assert [(item["endpoint"], item["weanalysis_conn_id"]) for item in plan] == [("visit_page", list(both))]
    assert {row["appid"] for row in read(f"{dataset}.daily_summary")} == {SHOP, MAGAZINE}


def test_missed_runs(healing, read, dataset):
    """Airflow's zero-width ticks load the latest period each; a paused DAG leaves holes."""
    for day in (back(8), back(7), back(2), YESTERDAY):
        healing.days("daily_summary", day, day)
    assert healing.heal("daily_summary") == asked("daily_summary", *(back(days) for days in (1, 3, 4, 5, 6)))
    assert len(read(f"{dataset}.daily_summary")) == DAYS


def test_weeks(healing, read, dataset):
    last = WEEK.latest(YESTERDAY)
    weeks = [WEEK.earlier(last, count) for count in (3, 2, 1, 0)]
    healing.days("weekly_visit_trend", weeks[1].begin_date, weeks[1].end_date)
    found = healing.heal("weekly_visit_trend", since=weeks[0].begin_date + dt.timedelta(days=-2))
    assert found == asked("weekly_visit_trend", *(week.begin_date for week in weeks if week != weeks[1]))
    assert healing.heal("weekly_visit_trend", since=weeks[0].begin_date) == []


def test_retention_that_was_never_refreshed(healing, bq, dataset, read):
    """Slices are made to look as if each had been loaded on the next morning and never again."""
    healing.days("daily_retain", SINCE, YESTERDAY)
    whole = read(f"{dataset}.daily_retain")
    bq.query_and_wait(f"DELETE FROM `{dataset}.daily_retain` WHERE period_offset > 0")
    bq.query_and_wait(f"""UPDATE `{dataset}.daily_retain`
        SET _loaded_at = TIMESTAMP_ADD(TIMESTAMP(begin_date, 'Asia/Shanghai'), INTERVAL 34 HOUR) WHERE TRUE""")
    # Yesterday's cohort cannot have grown; every other one can.
    assert healing.heal("daily_retain") == asked("daily_retain", *(back(days) for days in range(1, DAYS)))
    assert read(f"{dataset}.daily_retain") == whole
    assert healing.heal("daily_retain") == []


def test_portraits_beyond_reach_are_named_and_never_asked_for(healing, logged):
    assert healing.heal("user_portrait") == asked("user_portrait", back(1), YESTERDAY)
    log = logged()
    assert log.count("does not answer for these any more") >= 1
    assert f"user_portrait {SINCE} to {back(2)}: 商店" in log


def test_an_empty_day_of_one_selection_is_not_one_of_another(healing, wechat_server, dataset):
    """Two tables of performance data in one dataset, each with a module of its own."""

    def requests(module):
        before = len(wechat_server.calls)
        healing.destination = f"{dataset}.{{endpoint}}_{module}"
        options = {"performance_data": {"modules": [module]}}
        healing.heal("performance_data", since=YESTERDAY, endpoint_options=options)
        return sum(call.endpoint == "performance_data" for call in wechat_server.calls[before:])

    wechat_server.override(
        "performance_data", SHOP, YESTERDAY, lambda reply: {**reply, "data": {"body": {"tables": []}}}
    )
    assert [requests(module) for module in ("10016", "10016", "10021", "10021")] == [1, 0, 1, 0]


class TestLaunch:
    """An app launched in the middle of the range: WeChat answers for the days before with an empty reply."""

    @pytest.fixture
    def wechat_server_options(self, wechat_server_options):
        return {**wechat_server_options, "launched": back(3)}

    @pytest.mark.parametrize("on_empty", ON_EMPTY)
    def test_the_days_before_it_are_asked_for_once(self, healing, dataset, read, on_empty):
        healing.on_empty = on_empty
        assert len(healing.heal("daily_summary", "visit_page")) == 2 * DAYS
        assert healing.heal("daily_summary", "visit_page") == []
        assert {row["begin_date"] for row in read(f"{dataset}.visit_page")} == {str(back(days)) for days in range(4)}

    def test_killed_before_it_was_recorded_they_are_asked_for_once_more(self, healing, dataset, bq, read):
        """Rows come first, the record after them; a task killed in between leaves the rows alone."""
        healing.heal("daily_summary")
        whole = read(f"{dataset}.daily_summary")
        bq.query_and_wait(f"DELETE FROM `{dataset}.weanalysis_empty_periods` WHERE TRUE")
        before_launch = [back(days) for days in range(4, DAYS)]
        assert healing.heal("daily_summary") == asked("daily_summary", *before_launch)
        assert healing.heal("daily_summary") == []
        assert read(f"{dataset}.daily_summary") == whole
