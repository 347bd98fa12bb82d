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
