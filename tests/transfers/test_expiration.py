"""A table that drops partitions of some age: what is younger is loaded, whatever became of the rest."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wxanalysis.bigquery import chunks
from tests.conftest import APPS
from tests.transfers.conftest import latest

DAYS_KEPT = 30
FIRST_DROPPED = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=DAYS_KEPT)


@pytest.fixture
def expiring(load, proxy, bq, dataset):
    """Let a table be one whose partitions expire, and lose what is too old, as BigQuery does."""

    def start(endpoint):
        load(endpoint, latest(endpoint, back=2))

        def describe(exchange):
            if exchange.method != "GET" or "/tables/" not in exchange.path:
                return None
            proxy.forward(exchange)
            kept = {"type": "DAY", "field": "begin_date", "expirationMs": str(DAYS_KEPT * 86_400_000)}
            return exchange.status, {**json.loads(exchange.answer), "timePartitioning": kept}

        def drop(exchange):
            if exchange.sql.startswith("SELECT appid"):
                bq.query_and_wait(f"DELETE FROM `{dataset}.{endpoint}` WHERE begin_date <= '{FIRST_DROPPED}'")

        proxy.rules += [describe, drop]

    return start


def test_by_need_nothing_is_asked_for_that_would_be_dropped(load, expiring, wechat_server):
    expiring("daily_retain")
    wechat_server.calls.clear()
    newest = latest("daily_retain")
    summary = load("daily_retain", newest, lookback=None)
    assert str(newest) in summary["apps"][APPS[0]]["periods"]
    asked = {call.body["begin_date"] for call in wechat_server.calls if call.endpoint == "daily_retain"}
    assert asked
    assert min(asked) > f"{FIRST_DROPPED:%Y%m%d}"


@pytest.mark.parametrize(("endpoint", "lookback"), [("daily_retain", 30), ("weekly_retain", 5)])
def test_an_earlier_period_that_is_dropped_is_a_warning(load, expiring, logged, endpoint, lookback):
    expiring(endpoint)
    earlier = latest(endpoint, back=lookback)
    summary = load(endpoint, latest(endpoint), lookback=[lookback])
    assert str(earlier) not in summary["apps"][APPS[0]]["periods"]
    assert f"{endpoint} {earlier} of app {APPS[0]}: its rows did not stay" in logged()


def test_a_due_period_that_is_dropped_is_an_error_and_all_others_are_loaded(load, expiring, dataset, read, monkeypatch):
    expiring("daily_summary")
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1)  # each period is written by a statement of its own
    with pytest.raises(
        AirflowFailException, match=r"(?s)periods of 1 app could not be loaded.*did not stay in"
    ) as caught:
        load("daily_summary", latest("daily_summary", back=32), latest("daily_summary"))
    held = {row["begin_date"] for row in read(f"{dataset}.daily_summary")}
    kept = [latest("daily_summary", back=back) for back in range(33)]
    assert held == {str(day) for day in kept if day.begin_date > FIRST_DROPPED}
    assert f"Now in {dataset}.daily_summary: {len(held)} periods of 1 app" in str(caught.value)
