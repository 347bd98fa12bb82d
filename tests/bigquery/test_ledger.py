"""What data tables cannot say: periods accepted as empty, and names of apps."""

from __future__ import annotations

import datetime as dt
import logging

import pytest

from airflow_provider_wxanalysis.bigquery.ledger import APPS, EMPTY_PERIODS, Ledger
from airflow_provider_wxanalysis.periods import Period
from tests.bigquery.conftest import CONTENTION, day
from tests.support.proxy import LOST, api_error

SINCE = dt.date(2026, 3, 1)


@pytest.fixture
def ledger(client, dataset):
    project, name = dataset.split(".")
    return Ledger(client(), project, name)


def test_accepted_periods_are_read_back_once(ledger, bq, dataset):
    assert ledger.empty_periods(["visit_page"], ["wxa"], SINCE) == {}
    ledger.record_empty("visit_page", [("wxa", day(1)), ("wxb", day(2))], "run")
    ledger.record_empty("visit_page", [("wxa", day(1)), ("wxa", day(3))], "again")
    ledger.record_empty("daily_summary", [("wxa", day(4))], "run")
    assert ledger.empty_periods(["visit_page"], ["wxa", "wxb"], SINCE) == {
        "visit_page": {"wxa": {day(1), day(3)}, "wxb": {day(2)}}
    }
    assert ledger.empty_periods(["visit_page", "daily_summary"], ["wxa"], dt.date(2026, 3, 3)) == {
        "visit_page": {"wxa": {day(3)}},
        "daily_summary": {"wxa": {day(4)}},
    }
    rows = [dict(row) for row in bq.query_and_wait(f"SELECT * FROM `{dataset}.{EMPTY_PERIODS}`")]
    assert len(rows) == 5
    assert {row["_run_id"] for row in rows} == {"run", "again"}
    assert all(row["_loaded_at"].tzinfo for row in rows)


def test_many_periods_are_recorded_in_several_statements(ledger, proxy, client, bq, dataset, monkeypatch):
    """BigQuery takes 10 MB per request; fifty years of a thousand apps would be 1500 MB."""
    ledger = Ledger(client(), *dataset.split("."))
    days = [Period(date, date) for date in (SINCE + dt.timedelta(days=number) for number in range(4_500))]
    keys = [(f"wx{app:016x}", period) for app in range(10) for period in days]
    ledger.record_empty("visit_page", keys, "run")
    inserts = [exchange.raw for exchange in proxy.exchanges if exchange.sql.startswith("INSERT")]
    assert len(inserts) == 4, "the first one found no table"
    assert max(map(len, inserts)) < 2_500_000
    ((rows, distinct),) = bq.query_and_wait(
        f"SELECT COUNT(*), COUNT(DISTINCT CONCAT(appid, begin_date)) FROM `{dataset}.{EMPTY_PERIODS}`"
    )
    assert rows == distinct == len(keys)


def test_what_is_not_taken_is_one_warning(proxy, client, dataset, caplog, monkeypatch):
    monkeypatch.setattr("airflow_provider_wxanalysis.bigquery.ledger.MAX_ROWS", 1)
    ledger = Ledger(client(), *dataset.split("."))
    forbidden = api_error(403, "accessDenied", "Permission bigquery.tables.updateData denied")
    proxy.rules.append(lambda exchange: forbidden if exchange.sql.startswith("INSERT") else None)
    ledger.record_empty("visit_page", [("wxa", day(number)) for number in (1, 2, 3)], "run")
    assert caplog.text.count("Empty periods were not recorded") == 1


def test_its_table_is_made_with_descriptions(ledger, bq, dataset):
    ledger.record_empty("visit_page", [("wxa", day(1))], "run")
    table = bq.get_table(f"{dataset}.{EMPTY_PERIODS}")
    assert table.clustering_fields == ["endpoint", "appid"]
    assert " / " in table.description
    assert all(" / " in field.description for field in table.schema)


def test_recording_nothing_asks_nothing(proxy, ledger):
    before = len(proxy.exchanges)
    ledger.record_empty("visit_page", [], "run")
    ledger.record_names({})
    assert len(proxy.exchanges) == before


@pytest.mark.parametrize("forbidden", ["jobs", "tables"])
def test_a_missing_permission_is_a_warning(proxy, client, dataset, caplog, forbidden):
    project, name = dataset.split(".")
    ledger = Ledger(client(), project, name)

    def refuse(exchange):
        if exchange.method == "POST" and (exchange.sql if forbidden == "jobs" else "/tables" in exchange.path):
            return api_error(403, "accessDenied", "Permission bigquery.tables.updateData denied")
        return None

    proxy.rules.append(refuse)
    with caplog.at_level(logging.WARNING):
        ledger.record_empty("visit_page", [("wxa", day(1))], "run")
    assert f"Empty periods were not recorded. Writing to {dataset}.{EMPTY_PERIODS}: BigQuery said: " in caplog.text
    assert "Permission bigquery.tables.updateData denied. Give the credentials" in caplog.text
    assert "roles/bigquery.dataEditor on the dataset." in caplog.text
    proxy.rules.clear()
    assert ledger.empty_periods(["visit_page"], ["wxa"], SINCE) == {}


@pytest.mark.parametrize(
    "answer",
    [
        api_error(503, "backendError", "busy"),
        api_error(403, "rateLimitExceeded", "Exceeded rate limits"),
        api_error(400, "invalidQuery", "Too many DML statements outstanding against table p:d.t, limit is 20."),
        api_error(400, "invalidQuery", "Column _run_id is not present in table"),
        LOST,
    ],
)
def test_what_bigquery_does_not_take_is_a_warning(proxy, client, dataset, caplog, monkeypatch, answer):
    monkeypatch.setattr("airflow_provider_wxanalysis.bigquery.ledger.PATIENCE", 0.0)
    ledger = Ledger(client(), *dataset.split("."))
    proxy.rules.append(lambda exchange: answer if exchange.sql.startswith("INSERT") else None)
    ledger.record_empty("visit_page", [("wxa", day(1))], "run")
    assert "Empty periods were not recorded" in caplog.text


@pytest.mark.parametrize(
    "answer", [api_error(503, "backendError", "busy"), api_error(400, "invalidQuery", CONTENTION[2])]
)
def test_what_passes_is_waited_for(proxy, client, dataset, no_waiting, answer):
    ledger = Ledger(client(), *dataset.split("."))
    left = [answer]
    proxy.rules.append(lambda exchange: left.pop() if left and exchange.sql.startswith("INSERT") else None)
    ledger.record_empty("visit_page", [("wxa", day(1))], "run")
    assert ledger.empty_periods(["visit_page"], ["wxa"], SINCE) == {"visit_page": {"wxa": {day(1)}}}


def test_names_are_kept_and_changed(ledger, bq, dataset):
    def names():
        return {row["appid"]: row["app_name"] for row in bq.query_and_wait(f"SELECT * FROM `{dataset}.{APPS}`")}

    ledger.record_names({"wxa": "商店", "wxb": None})
    assert names() == {"wxa": "商店", "wxb": None}
    ledger.record_names({"wxa": "Shop", "wxb": "杂志", "wxc": None})
    ledger.record_names({"wxa": None})  # a name written into the table by hand stays
    assert names() == {"wxa": "Shop", "wxb": "杂志", "wxc": None}
