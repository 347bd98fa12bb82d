"""From Airflow's context to the periods a run owes."""

from __future__ import annotations

import datetime as dt
import logging
from types import SimpleNamespace

import pendulum
import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import SHANGHAI, WEEK, Period
from airflow_provider_wxanalysis.tasks import runs
from airflow_provider_wxanalysis.tasks.runs import earlier_periods, is_backfill, lookback_offsets, run_periods

NOW = pendulum.datetime(2026, 3, 11, 10, 30, tz=SHANGHAI)  # a Wednesday


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(runs.pendulum, "now", lambda tz: NOW.in_timezone(tz))


def at(day, hour=0, minute=0, tz="Asia/Shanghai"):
    return pendulum.datetime(2026, 3, day, hour, minute, tz=tz)


def owed(endpoint, from_date=None, to_date=None, **context):
    return [str(period) for period in run_periods(ENDPOINTS[endpoint], context, from_date, to_date)]


def interval(start, end):
    return {"data_interval_start": start, "data_interval_end": end, "logical_date": start}


@pytest.mark.parametrize(
    ("endpoint", "context", "expected"),
    [
        ("daily_summary", interval(at(9, 10, 30), at(10, 10, 30)), ["2026-03-09"]),
        ("daily_summary", interval(at(9, tz="UTC"), at(10, tz="UTC")), ["2026-03-09"]),
        ("daily_summary", interval(at(7, 10, 30), at(10, 10, 30)), ["2026-03-07", "2026-03-08", "2026-03-09"]),
        ("daily_summary", interval(at(10, 10, 30), at(10, 10, 30)), ["2026-03-09"]),
        ("weekly_retain", interval(at(8, 10, 30), at(9, 10, 30)), ["2026-03-02/2026-03-08"]),
        ("weekly_retain", interval(at(10, 10, 30), at(10, 10, 30)), ["2026-03-02/2026-03-08"]),
        ("monthly_retain", interval(at(10), at(10)), ["2026-02-01/2026-02-28"]),
        # no interval: the logical date; nothing at all: when the run was due
        ("daily_summary", {"logical_date": at(10, 9)}, ["2026-03-09"]),
        ("daily_summary", {"dag_run": SimpleNamespace(run_after=at(10, 9))}, ["2026-03-09"]),
        # a partition comes before both
        ("daily_summary", {"partition_date": at(8), **interval(at(9), at(10))}, ["2026-03-08"]),
        ("weekly_retain", {"partition_date": at(4)}, ["2026-03-02/2026-03-08"]),
        ("daily_summary", {"partition_key": "2026-03-05"}, ["2026-03-05"]),
        ("daily_summary", {"partition_key": "20260305"}, ["2026-03-05"]),
        ("daily_summary", {"partition_key": "2026-03-05T00:00:00"}, ["2026-03-05"]),
        ("monthly_retain", {"partition_key": "2026-02"}, ["2026-02-01/2026-02-28"]),
        # of a rolling window the one that ends on that day
        ("user_portrait_7d", {"partition_date": at(10)}, ["2026-03-04/2026-03-10"]),
        ("user_portrait_30d", {"partition_key": "2026-03-10"}, ["2026-02-09/2026-03-10"]),
    ],
)
def test_the_run_s_interval(endpoint, context, expected):
    assert owed(endpoint, **context) == expected


def test_explicit_dates_come_first():
    context = {"partition_date": at(8), **interval(at(9), at(10))}
    assert owed("daily_summary", "2026-02-27", "20260301", **context) == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert owed("weekly_retain", dt.date(2026, 3, 2), dt.date(2026, 3, 8)) == ["2026-03-02/2026-03-08"]
    assert owed("daily_summary", 20260301, 20260301) == ["2026-03-01"], "native rendering makes numbers of digits"


@pytest.mark.parametrize(
    ("from_date", "to_date", "message"),
    [
        ("2026-03-01", None, "go together"),
        (None, "2026-03-01", "go together"),
        (
            "2026-03-11",
            "2026-03-11",
            "2026-03-11 has not ended yet in Asia/Shanghai; the last day that has is 2026-03-10",
        ),
        ("2030-01-01", "2030-01-01", "has not ended yet"),
        ("2026-03-02", "2026-03-01", "is after"),
        ("tomorrow", "2026-03-01", "is no date"),
        (dt.datetime(2026, 3, 1, tzinfo=dt.UTC), "2026-03-01", "is no date"),
    ],
)
def test_explicit_dates_that_cannot_work(from_date, to_date, message):
    with pytest.raises(ConfigurationError, match=message):
        owed("daily_summary", from_date, to_date)


def test_no_period_skips_and_says_which_interval_held_none():
    with pytest.raises(AirflowSkipException, match=r"weekly_retain: no week ends in .*2026-03-09.*2026-03-10"):
        owed("weekly_retain", **interval(at(9, 10, 30), at(10, 10, 30)))


@pytest.mark.parametrize("endpoint", ["daily_summary", "user_portrait_7d"])
def test_a_day_s_partition_that_still_runs_names_run_offset(endpoint):
    with pytest.raises(ConfigurationError, match="run_offset=-1"):
        owed(endpoint, partition_date=at(11))


@pytest.mark.parametrize("endpoint", ["weekly_retain", "monthly_retain"])
def test_a_longer_partition_that_still_runs_skips(endpoint):
    with pytest.raises(AirflowSkipException, match="has not ended yet"):
        owed(endpoint, partition_date=at(9))


def test_a_partition_key_without_a_date_is_refused():
    with pytest.raises(ConfigurationError, match="'shop-7' holds no date"):
        owed("daily_summary", partition_key="shop-7")


def test_a_run_without_any_date_is_refused():
    with pytest.raises(ConfigurationError, match="give from_date"):
        owed("daily_summary")


def test_portraits_are_asked_for_yesterday_only(caplog):
    with caplog.at_level(logging.WARNING):
        assert owed("user_portrait_7d", **interval(at(8, 10), at(11, 10))) == ["2026-03-04/2026-03-10"]
    assert "not asked for: 2026-03-02/2026-03-08, 2026-03-03/2026-03-09" in caplog.text
    with pytest.raises(AirflowSkipException, match="cannot be had any more. Nothing was asked"):
        owed("user_portrait", **interval(at(8, 10), at(9, 10)))


@pytest.mark.parametrize(
    ("lookback", "offsets"),
    [(None, ()), (0, ()), (3, (1, 2, 3)), ([1, 7], (1, 7)), ((), ()), (366, tuple(range(1, 367)))],
)
def test_lookback(lookback, offsets):
    assert lookback_offsets(lookback) == offsets


@pytest.mark.parametrize(
    "lookback", [-1, 367, 10**12, 1.5, True, "3", [0], [-1], [367], ["1"], [True], {}.keys, object()]
)
def test_absurd_lookback(lookback):
    with pytest.raises(ConfigurationError, match="lookback="):
        lookback_offsets(lookback)


def test_offsets_of_all_due_periods_are_united():
    due = [Period(dt.date(2026, 3, day), dt.date(2026, 3, day)) for day in (8, 9)]
    assert [str(period) for period in earlier_periods(ENDPOINTS["daily_retain"], due, (1, 2, 7))] == [
        "2026-03-01", "2026-03-02", "2026-03-06", "2026-03-07",
    ]  # fmt: skip
    week = [WEEK.latest(dt.date(2026, 3, 9))]
    (earlier,) = earlier_periods(ENDPOINTS["weekly_retain"], week, (2,))
    assert str(earlier) == "2026-02-16/2026-02-22"
    assert earlier_periods(ENDPOINTS["user_portrait"], due, (1, 2)) == []


def test_backfills_are_told_from_the_run_s_type():
    class RunType(str):
        value = "backfill"

    assert is_backfill({"dag_run": SimpleNamespace(run_type=RunType("x"))})
    assert is_backfill({"dag_run": SimpleNamespace(run_type="backfill")})
    assert not is_backfill({"dag_run": SimpleNamespace(run_type="scheduled")})
    assert not is_backfill({})
