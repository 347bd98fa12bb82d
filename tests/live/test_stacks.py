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


def test_everything_of_two_apps_in_one_run(stack, wechat, read):
    airflow, dataset = stack
    wechat.calls.clear()
    wechat.served.clear()
    airflow.unpause("live_everything")
    run_id = airflow.trigger("live_everything")
    run = airflow.finished_run("live_everything", run_id, seconds=1200)
    tasks = airflow.tasks("live_everything", run_id)
    assert {task["state"] for task in tasks} == {"success"}
    assert len(tasks) == len(ENDPOINTS) * len(APPS) == 26
    assert run["state"] == "success"
    for endpoint in ENDPOINTS.values():
        rows = read(f"{dataset}.live_everything_{endpoint.name}")
        assert {row["appid"] for row in rows} == set(APPS)
        assert rows == all_served(wechat, endpoint), endpoint.name


def test_a_backfill_of_fourteen_days(stack, wechat, read):
    airflow, dataset = stack
    wechat.calls.clear()
    wechat.served.clear()
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
    assert rows == all_served(wechat, ENDPOINTS["daily_retain"])
    assert sorted({row["begin_date"] for row in rows}) == days


def test_hundreds_of_apps_in_batches(stack, wechat, read, figures):
    """Every endpoint of 300 apps (or as many as WEANALYSIS_LIVE_APPS says), fifty apps to a task."""
    airflow, dataset = stack
    wechat.calls.clear()
    wechat.served.clear()
    airflow.unpause("live_fleet")
    run_id = airflow.trigger("live_fleet")
    run = airflow.finished_run("live_fleet", run_id, seconds=3600)
    tasks = airflow.tasks("live_fleet", run_id)
    assert run["state"] == "success"
    assert {task["state"] for task in tasks} <= {"success", "skipped"}
    batches = -(-len(FLEET) // 50)
    assert len(tasks) == len(ENDPOINTS) * batches
    loaded = {task["task_id"].split(".")[1] for task in tasks if task["state"] == "success"}
    statements = 0
    for name in loaded:
        rows = read(f"{dataset}.live_fleet_{name}")
        assert {row["appid"] for row in rows} == set(FLEET)
        assert rows == all_served(wechat, ENDPOINTS[name]), name
        for index in range(batches):
            summary = airflow.xcom("live_fleet", run_id, f"weanalysis_to_bigquery.{name}", map_index=index)
            statements += len(summary["load_ids"])
    figures(
        apps=len(FLEET),
        task_instances=len(tasks),
        one_app_per_task=len(ENDPOINTS) * len(FLEET),
        merges=statements,
        merges_one_app_per_task=len(loaded) * len(FLEET),
    )
