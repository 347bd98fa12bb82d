"""Waiting in a real triggerer: no worker slot is held, and a triggerer that dies loses nothing."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from airflow_provider_wxanalysis.testing import CANARY, WeChatServer, faults
from tests.conftest import APPS
from tests.support.live_airflow import COMPONENTS

DAG_FILE = """
import pendulum
from airflow.sdk import DAG
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

with DAG("waiting", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    WeAnalysisDataSensor(
        task_id="wait",
        endpoint="daily_summary",
        weanalysis_conn_id="waiting",
        deferrable=True,
        poke_interval=3,
        timeout=600,
    )
    WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint="visit_page",
        weanalysis_conn_id="waiting",
        destination_project_dataset_table="{dataset}.{{endpoint}}",
        gcp_conn_id=None,
        deferrable=True,
        poll_interval=3,
        wait_timeout=600,
        retries=3,
        retry_delay=2,
    )
"""


@pytest.fixture
def wechat():
    with WeChatServer(published_at=dt.time(0)) as server:
        yield server


def test_the_wait_survives_a_triggerer_s_restart(live, wechat, dataset, tmp_path, read):
    wechat.faults.add(faults.errcode(61503), times=None)
    live.connect("waiting", wechat.connection(APPS[0]))
    path = tmp_path / "waiting.py"
    path.write_text(DAG_FILE.format(dataset=dataset))
    live.add_dags(path, ["waiting"])
    live.unpause("waiting")
    run_id = live.trigger("waiting")

    def states():
        return {task["task_id"]: task["state"] for task in live.tasks("waiting", run_id)}

    def asked():
        return wechat.count("daily_summary") and wechat.count("visit_page")

    live.wait(lambda: set(states().values()) == {"deferred"}, "two deferred tasks", 300)
    wechat.calls.clear()
    live.wait(asked, "look of the triggerer", 120)
    triggers = [task["trigger"] for task in live.tasks("waiting", run_id)]
    assert {trigger["classpath"].rsplit(".", 1)[1] for trigger in triggers} == {"WeAnalysisPublishedTrigger"}
    assert CANARY not in json.dumps(triggers)

    live.stop("triggerer")
    wechat.calls.clear()
    live.start("triggerer", COMPONENTS["triggerer"])
    live.wait(asked, "look of the new triggerer", 180)
    assert set(states().values()) == {"deferred"}

    wechat.faults.clear()
    assert live.finished_run("waiting", run_id)["state"] == "success"
    assert states() == {"wait": "success", "load": "success"}
    assert len({row["begin_date"] for row in read(f"{dataset}.visit_page")}) == 1


WITHOUT_TRIGGERER = """
import datetime as dt
import pendulum
from airflow.sdk import DAG
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor

with DAG("without_triggerer", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    sensor = {"endpoint": "daily_summary", "weanalysis_conn_id": "waiting", "deferrable": True, "poke_interval": 3}
    WeAnalysisDataSensor(task_id="execution_timeout", execution_timeout=dt.timedelta(seconds=15), timeout=900, **sensor)
    WeAnalysisDataSensor(task_id="timeout", timeout=5, **sensor)
    WeAnalysisDataSensor(task_id="timeout_soft", timeout=5, soft_fail=True, **sensor)
"""


def test_without_a_triggerer_a_wait_ends_all_the_same(live, wechat, tmp_path):
    """Airflow 3 ends deferred tasks by what the deferral says, and not by the task's execution_timeout."""
    wechat.faults.add(faults.errcode(61503), times=None)
    live.connect("waiting", wechat.connection(APPS[0]))
    path = tmp_path / "without_triggerer.py"
    path.write_text(WITHOUT_TRIGGERER)
    live.add_dags(path, ["without_triggerer"])
    live.unpause("without_triggerer")
    live.stop("triggerer")
    try:
        run_id = live.trigger("without_triggerer")
        live.finished_run("without_triggerer", run_id)
        states = {task["task_id"]: task["state"] for task in live.tasks("without_triggerer", run_id)}
        assert states == {"execution_timeout": "failed", "timeout": "failed", "timeout_soft": "skipped"}
    finally:
        live.start("triggerer", COMPONENTS["triggerer"])
