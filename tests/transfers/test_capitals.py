"""A table whose columns are spelled with capitals: to BigQuery they are the same, and answers come spelled that way."""

from __future__ import annotations

import datetime as dt

import pytest
from google.cloud.bigquery import SchemaField, Table

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from tests.conftest import APPS, run_context
from tests.transfers.conftest import latest

SPELLED = {"appid": "AppId", "begin_date": "Begin_Date", "end_date": "End_Date", "cohort": "Cohort", "users": "Users"}
NEWEST = latest("daily_retain")


@pytest.fixture(autouse=True)
def table(bq, dataset):
    columns = ENDPOINTS["daily_retain"].table_columns
    schema = [SchemaField(SPELLED.get(column.name, column.name), column.type, column.mode) for column in columns]
    return bq.create_table(Table(f"{dataset}.daily_retain", schema=schema))


def test_figures_that_fall_to_nothing_are_kept(load, wechat_server, bq, dataset):
    def users():
        rows = [dict(row) for row in bq.query_and_wait(f"SELECT * FROM `{dataset}.daily_retain`")]
        return sum(row["Users"] for row in rows if row["Cohort"] == "visit_uv")

    load("daily_retain", NEWEST)
    before = users()
    wechat_server.override(
        "daily_retain",
        APPS[0],
        NEWEST.begin_date,
        lambda reply: {**reply, "visit_uv": [{**entry, "value": 0} for entry in reply["visit_uv"]]},
    )
    load("daily_retain", NEWEST)
    assert users() == before > 0


def test_coverage_sees_what_is_loaded(load, connect, wechat_server, dataset):
    load("daily_retain", NEWEST)
    coverage = WeAnalysisCoverageOperator(
        task_id="coverage",
        conn_ids=connect(wechat_server),
        endpoints=["daily_retain"],
        destination=f"{dataset}.{{endpoint}}",
        since=NEWEST.begin_date,
        gcp_conn_id=None,
        empty_is_ready_after=dt.timedelta(0),
    )
    assert coverage.execute(run_context(None, None)) == []
