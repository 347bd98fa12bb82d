"""From Airflow's context to the periods that are due in a run."""

from __future__ import annotations

import datetime as dt
import logging
import re
from types import SimpleNamespace

import pendulum
import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import DAY, SHANGHAI, WEEK, Period
from airflow_provider_wxanalysis.tasks import runs
from airflow_provider_wxanalysis.tasks.runs import earlier_periods, is_backfill, lookback_offsets, run_periods

NOW = pendulum.datetime(2026, 3, 11, 10, 30, tz=SHANGHAI)  # a Wednesday


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(pendulum, "now", lambda tz: NOW.in_timezone(tz))


def at(day, hour=0, minute=0, tz="Asia/Shanghai"):
    return pendulum.datetime(2026, 3, day, hour, minute, tz=tz)


def due(endpoint, from_date=None, to_date=None, **context):
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
    assert due(endpoint, **context) == expected


def test_explicit_dates_come_first():
    context = {"partition_date": at(8), **interval(at(9), at(10))}
    assert due("daily_summary", "2026-02-27", "20260301", **context) == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert due("weekly_retain", dt.date(2026, 3, 2), dt.date(2026, 3, 8)) == ["2026-03-02/2026-03-08"]
    assert due("daily_summary", 20260301, 20260301) == ["2026-03-01"], "native rendering makes numbers of digits"


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
        ("2999-12-31", "2999-12-31", "has not ended yet"),
        ("3000-01-01", "3000-01-01", "cannot be right"),
        ("2026-03-02", "2026-03-01", "is after"),
        ("tomorrow", "2026-03-01", "must be written YYYY-MM-DD or YYYYMMDD, got 'tomorrow'"),
        (dt.datetime(2026, 3, 1, tzinfo=dt.UTC), "2026-03-01", "must not have a time of day"),
        (pendulum.datetime(2026, 3, 1), "2026-03-01", "must not have a time of day"),
        ("2016-12-31", "2017-01-01", "2016-12-31 cannot be right"),
    ],
)
def test_explicit_dates_that_cannot_work(from_date, to_date, message):
    with pytest.raises(ConfigurationError, match=message):
        due("daily_summary", from_date, to_date)


def test_the_first_and_the_last_day_that_explicit_dates_may_name():
    assert len(due("daily_summary", "2017-01-01", "2026-03-10")) == 3356
    assert due("daily_summary", "2026-03-10", "2026-03-10") == ["2026-03-10"], "yesterday has ended"


def test_dates_are_not_compared_with_the_clock_when_a_dag_is_parsed():
    (period,) = runs.explicit_periods(DAY, "2026-03-11", "2026-03-11", None)
    assert str(period) == "2026-03-11"


def test_no_period_skips_and_says_which_interval_held_none(caplog):
    reason = (
        "weekly_retain: no week ended in the run's interval, 2026-03-09 10:30 to 2026-03-10 10:30 Asia/Shanghai, so "
        "nothing is due."
    )
    with caplog.at_level(logging.INFO), pytest.raises(AirflowSkipException, match=re.escape(reason)):
        due("weekly_retain", **interval(at(9, 2, 30, "UTC"), at(10, 2, 30, "UTC")))
    assert caplog.messages == [reason]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (interval(at(9), at(20)), ["2026-03-09", "2026-03-10"]),
        (interval(at(20), at(20)), ["2026-03-10"]),
        ({"logical_date": at(20)}, ["2026-03-10"]),
        ({"dag_run": SimpleNamespace(run_after=at(20))}, ["2026-03-10"]),
    ],
)
def test_a_running_day_is_never_due_whatever_the_interval_s_end(context, expected):
    assert due("daily_summary", **context) == expected


@pytest.mark.parametrize("start", [at(11, 10, 30), at(12)])
def test_an_interval_that_has_not_begun_holds_nothing(start):
    with pytest.raises(AirflowSkipException, match="no day ended in the run's interval"):
        due("daily_summary", **interval(start, at(20)))


@pytest.mark.parametrize("endpoint", ["daily_summary", "user_portrait_7d"])
def test_a_day_s_partition_that_still_runs_names_run_offset(endpoint):
    with pytest.raises(ConfigurationError, match="run_offset=-1"):
        due(endpoint, partition_date=at(11))


@pytest.mark.parametrize("endpoint", ["weekly_retain", "monthly_retain"])
def test_a_longer_partition_that_still_runs_skips(endpoint):
    with pytest.raises(AirflowSkipException, match="has not ended yet"):
        due(endpoint, partition_date=at(9))


def test_partitions_before_airflow_3_3_are_refused():
    with pytest.raises(ConfigurationError, match=r"Partitions need Airflow 3\.3 or later"):
        due("daily_summary", dag_run=SimpleNamespace(partition_key="2026-03-05", run_after=at(10)))


def test_a_run_without_any_date_is_refused():
    with pytest.raises(ConfigurationError, match="give from_date"):
        due("daily_summary")


def test_portraits_are_asked_for_as_long_as_wechat_answers(caplog):
    week = {"dag_run": SimpleNamespace(start_date=at(11, 10)), **interval(at(8, 10), at(11, 10))}
    with caplog.at_level(logging.WARNING):
        assert due("user_portrait_7d", **week) == ["2026-03-03/2026-03-09", "2026-03-04/2026-03-10"]
    assert (
        "user_portrait_7d: when this run began, WeChat answered only for windows that end on 2026-03-09 or later "
        "(Asia/Shanghai); not asked for: 2026-03-02/2026-03-08."
    ) in caplog.text
    caplog.clear()
    assert due("user_portrait", **interval(at(10), at(11))) == ["2026-03-10"]
    assert caplog.messages == []


def test_a_portrait_that_had_gone_before_the_run_began_skips():
    reason = "end on 2026-03-09 or later .Asia/Shanghai., so 2026-03-08 can no longer be fetched. Nothing was asked"
    with pytest.raises(AirflowSkipException, match=reason):
        due("user_portrait", **interval(at(8, 10), at(9, 10)))


@pytest.mark.parametrize("began", ["dag_run", "ti"])
def test_a_portrait_that_goes_while_the_run_tries_is_asked_for(began):
    """WeChat refuses it, and the task fails: a lost day is not hidden behind a skipped task."""
    starts = {"dag_run": SimpleNamespace(start_date=None), "ti": SimpleNamespace(start_date=at(11, 10, 29))}
    starts[began] = SimpleNamespace(start_date=at(10, 23, 59))
    assert due("user_portrait", **starts, **interval(at(8, 10), at(9, 10))) == ["2026-03-08"]


@pytest.mark.parametrize(
    ("lookback", "offsets"),
    [
        (None, ()),
        (0, ()),
        (3, (1, 2, 3)),
        ([1, 7], (1, 7)),
        ((), ()),
        (366, tuple(range(1, 367))),
        ([366], (366,)),
    ],
)
def test_lookback(lookback, offsets):
    assert lookback_offsets(lookback) == offsets


@pytest.mark.parametrize(
    "lookback", [-1, 367, 10**12, 1.5, True, "3", [0], [-1], [367], ["1"], [True], {}.keys, object()]
)
def test_absurd_lookback(lookback):
    with pytest.raises(ConfigurationError, match="lookback must be"):
        lookback_offsets(lookback)


def test_offsets_of_all_due_periods_are_united():
    days = [Period(dt.date(2026, 3, day), dt.date(2026, 3, day)) for day in (8, 9)]
    assert [str(period) for period in earlier_periods(ENDPOINTS["daily_retain"], days, (1, 2, 7))] == [
        "2026-03-01", "2026-03-02", "2026-03-06", "2026-03-07",
    ]  # fmt: skip
    week = [WEEK.latest(dt.date(2026, 3, 9))]
    (earlier,) = earlier_periods(ENDPOINTS["weekly_retain"], week, (2,))
    assert str(earlier) == "2026-02-16/2026-02-22"
    assert earlier_periods(ENDPOINTS["user_portrait"], days, (1, 2)) == []


def test_backfills_are_told_from_the_run_s_type():
    class RunType(str):
        value = "backfill"

    assert is_backfill({"dag_run": SimpleNamespace(run_type=RunType("x"))})
    assert is_backfill({"dag_run": SimpleNamespace(run_type="backfill")})
    assert not is_backfill({"dag_run": SimpleNamespace(run_type="scheduled")})
    assert not is_backfill({})
