"""Fetching again what may have grown: retention figures come in over 30 days."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pendulum
import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import DAY, Period
from tests.conftest import APPS
from tests.transfers.conftest import interval, latest

NEWEST = latest("daily_retain")


def age(bq, dataset, days, when="TRUE"):
    """Make slices look as if they had been loaded days ago."""
    statement = f"UPDATE `{dataset}.daily_retain` SET _loaded_at = TIMESTAMP_SUB(_loaded_at, INTERVAL {days} DAY)"
    bq.query_and_wait(f"{statement} WHERE {when}")


def test_retention_matures(load, wechat_server, dataset, read, bq, monkeypatch):
    """After 31 daily runs the first day has all its offsets; only those runs are made that look back to it."""
    first = DAY.earlier(NEWEST, 40)
    offsets_of_first = [0, *ENDPOINTS["daily_retain"].refresh_offsets]
    for number in offsets_of_first:
        day = Period(first.begin_date + dt.timedelta(days=number), first.begin_date + dt.timedelta(days=number))
        wechat_server.now = now = day.closes_at.add(hours=12)
        monkeypatch.setattr(pendulum, "now", lambda tz=None, now=now: now.in_timezone(tz))
        load("daily_retain", day, lookback=None)
        bq.query_and_wait(
            f"UPDATE `{dataset}.daily_retain` SET _loaded_at = TIMESTAMP('{now.in_timezone('UTC'):%Y-%m-%d %H:%M:%S}') "
            f"WHERE _loaded_at > TIMESTAMP('{now.in_timezone('UTC'):%Y-%m-%d %H:%M:%S}')"
        )
    offsets = [
        (row["cohort"], row["period_offset"])
        for row in read(f"{dataset}.daily_retain")
        if row["begin_date"] == str(first)
    ]
    assert offsets_of_first == [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]
    cohorts = ("visit_uv", "visit_uv_new")
    assert sorted(offsets) == sorted((cohort, day) for cohort in cohorts for day in offsets_of_first)


@pytest.mark.parametrize(
    ("lookback", "run_type", "dates", "asked"),
    [
        (None, "scheduled", False, 10),
        (None, "backfill", False, 1),
        (None, "scheduled", True, 1),
        (2, "backfill", False, 3),
        (2, "scheduled", True, 3),
        ([30], "scheduled", False, 2),
        (0, "scheduled", False, 1),
    ],
)
def test_the_default_is_for_scheduled_runs(load, wechat_server, lookback, run_type, dates, asked):
    context = interval(NEWEST)
    context["dag_run"] = SimpleNamespace(run_type=run_type)
    explicit = {"from_date": str(NEWEST), "to_date": str(NEWEST)} if dates else {}
    load("daily_retain", NEWEST, lookback=lookback, context=context, **explicit)
    assert wechat_server.count("daily_retain") == asked


def test_earlier_periods_of_several_due_ones_are_fetched_once(load, wechat_server):
    load("daily_retain", latest("daily_retain", back=4), NEWEST, lookback=(1, 2, 3))
    assert wechat_server.count("daily_retain") == 8


def test_catching_up_fetches_every_period_once(load, wechat_server):
    """Five runs of a day each, one after the other, cost what one run of five days does."""
    for back in range(60, 55, -1):
        load("daily_retain", latest("daily_retain", back=back), lookback=None)
    asked = [(call.appid, call.body["begin_date"]) for call in wechat_server.calls if call.endpoint == "daily_retain"]
    assert len(asked) == len(set(asked)) == 5 + 9 + 4 * 2


def test_only_what_can_have_grown_is_fetched(load, wechat_server, bq, dataset):
    load("daily_retain", latest("daily_retain", back=40), NEWEST)
    age(bq, dataset, 2, f"begin_date < '{NEWEST}'")
    wechat_server.calls.clear()
    load("daily_retain", NEWEST, lookback=None)
    assert wechat_server.count("daily_retain") == 10, "a new day has come for each offset"

    wechat_server.calls.clear()
    bq.query_and_wait(
        f"UPDATE `{dataset}.daily_retain` SET _loaded_at = TIMESTAMP_ADD(_loaded_at, INTERVAL 3 DAY) WHERE TRUE"
    )
    load("daily_retain", NEWEST, lookback=None)
    assert wechat_server.count("daily_retain") == 1, "WeChat has had time to publish them all"

    wechat_server.calls.clear()
    load("daily_retain", NEWEST, lookback=[1, 2])
    assert wechat_server.count("daily_retain") == 3, "what is asked for is fetched"


class TestFiguresThatFallToNothing:
    """WeChat is known to serve zeros for a while; figures once seen are not given away for them."""

    @pytest.fixture(autouse=True)
    def zeros(self, load, wechat_server):
        load("daily_retain", NEWEST)
        wechat_server.override(
            "daily_retain",
            APPS[0],
            NEWEST.begin_date,
            lambda reply: {**reply, "visit_uv": [{**entry, "value": 0} for entry in reply["visit_uv"]]},
        )

    @pytest.fixture
    def users(self, dataset, read):
        return lambda: sum(row["users"] for row in read(f"{dataset}.daily_retain") if row["cohort"] == "visit_uv")

    def test_they_are_kept(self, load, users, logged):
        before = users()
        summary = load("daily_retain", NEWEST)
        assert users() == before > 0
        assert summary["rows"] == 0
        assert f"Left as they are: {NEWEST} of app {APPS[0]}. To take the new ones, set on_empty='replace'." in logged()

    def test_unless_one_wants_them(self, load, users):
        load("daily_retain", NEWEST, on_empty="replace")
        assert users() == 0

    def test_a_day_that_never_had_users_is_loaded(self, load, users, bq, dataset):
        bq.query_and_wait(f"DELETE FROM `{dataset}.daily_retain` WHERE TRUE")
        assert load("daily_retain", NEWEST)["rows"] > 0
