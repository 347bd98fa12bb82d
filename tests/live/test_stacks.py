"""Whole days on a live stack: what WeChat served is what BigQuery holds."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period
from tests.conftest import APPS, in_order
from tests.live.dags import FLEET
from tests.transfers.test_round_trip import served

pytestmark = pytest.mark.live


def all_served(server, endpoint):
    """The rows of the latest reply for every app and period of an endpoint."""
    keys = [(appid, begin, end) for name, appid, begin, end in server.served if name == endpoint.name]
    return in_order(
        row
        for appid, begin, end in keys
        for row in served(server, endpoint, appid, Period(dt.date.fromisoformat(begin), dt.date.fromisoformat(end)))
    )


@pytest.fixture
def fresh(wechat):
    """A server that has counted nothing yet."""
    wechat.calls.clear()
    wechat.served.clear()
    return wechat


def one_run(airflow, dag_id, seconds):
    """Trigger a DAG, and return its run and the task instances of it when all have ended."""
    airflow.unpause(dag_id)
    run = airflow.finished_run(dag_id, airflow.trigger(dag_id), seconds)
    return run, airflow.tasks(dag_id, run["dag_run_id"])


def test_everything_of_two_apps_in_one_run(stack, fresh, read):
    airflow, dataset = stack
    run, tasks = one_run(airflow, "live_everything", seconds=1200)
    assert {task["state"] for task in tasks} == {"success"}
    assert len(tasks) == len(ENDPOINTS) * len(APPS) == 26
    assert run["state"] == "success"
    for endpoint in ENDPOINTS.values():
        rows = read(f"{dataset}.live_everything_{endpoint.name}")
        assert {row["appid"] for row in rows} == set(APPS)
        assert rows == all_served(fresh, endpoint), endpoint.name


def test_a_backfill_of_fourteen_days(stack, fresh, read):
    airflow, dataset = stack
    dates = ("--from-date", "2026-03-01T00:00+08:00", "--to-date", "2026-03-15T00:00+08:00")
    airflow.cli("backfill", "create", "--dag-id", "live_backfill", *dates)
    airflow.unpause("live_backfill")
    runs = airflow.finished_runs("live_backfill", 14, seconds=1200)
    assert [(run["run_type"], run["state"]) for run in runs] == [("backfill", "success")] * 14
    days = [f"2026-03-{day:02}" for day in range(1, 15)]
    summaries = [airflow.xcom("live_backfill", run["dag_run_id"], "load") for run in runs]
    loaded = [summary["apps"][APPS[0]]["periods"] for summary in summaries]
    assert loaded == [[day] for day in days], "each its own day, and none again"
    rows = read(f"{dataset}.live_backfill_daily_retain")
    assert rows == all_served(fresh, ENDPOINTS["daily_retain"])
    assert sorted({row["begin_date"] for row in rows}) == days


def test_hundreds_of_apps_in_batches(stack, fresh, read, figures):
    """Every endpoint of 300 apps (or as many as WEANALYSIS_LIVE_APPS says), fifty apps to a task."""
    airflow, dataset = stack
    run, tasks = one_run(airflow, "live_fleet", seconds=3600)
    assert run["state"] == "success"
    assert {task["state"] for task in tasks} <= {"success", "skipped"}
    batches = -(-len(FLEET) // 50)
    assert len(tasks) == len(ENDPOINTS) * batches
    loaded = {task["task_id"].split(".")[1] for task in tasks if task["state"] == "success"}
    statements = 0
    for name in loaded:
        rows = read(f"{dataset}.live_fleet_{name}")
        assert {row["appid"] for row in rows} == set(FLEET)
        assert rows == all_served(fresh, ENDPOINTS[name]), name
        for index in range(batches):
            summary = airflow.xcom("live_fleet", run["dag_run_id"], f"weanalysis_to_bigquery.{name}", map_index=index)
            statements += len(summary["load_ids"])
    figures(
        apps=len(FLEET),
        task_instances=len(tasks),
        one_app_per_task=len(ENDPOINTS) * len(FLEET),
        merges=statements,
        merges_one_app_per_task=len(loaded) * len(FLEET),
    )
