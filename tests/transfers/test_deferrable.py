"""Waiting in the triggerer: when a task gives its slot back, and what it does when it is called again."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout, TaskDeferred

from airflow_provider_wxanalysis.exceptions import ConfigurationError, DataNotReadyError, EmptyReportError
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.tasks.base import deadline_after
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS, run_context
from tests.transfers.conftest import latest

YESTERDAY = latest("daily_summary")


@pytest.fixture
def context():
    return run_context(YESTERDAY.closes_at.subtract(minutes=1), YESTERDAY.closes_at.add(minutes=1))


@pytest.fixture
def transfer(wechat_server, connect, dataset):
    return WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint="daily_summary",
        destination_project_dataset_table=f"{dataset}.{{endpoint}}",
        weanalysis_conn_id=connect(wechat_server),
        gcp_conn_id=None,
        empty_is_ready_after=dt.timedelta(days=3),
        deferrable=True,
        poll_interval=77,
        wait_timeout=3600,
    )


@pytest.fixture
def sensor(wechat_server, connect):
    return WeAnalysisDataSensor(
        task_id="wait",
        endpoint="daily_summary",
        weanalysis_conn_id=connect(wechat_server),
        deferrable=True,
        poke_interval=77,
        timeout=3600,
    )


def arguments(deferred):
    """What the trigger of a deferral was given."""
    return deferred.value.trigger.serialize()[1]


def event(deferred):
    """What the trigger of a deferral fires."""
    return {"reason": "published", "deadline": arguments(deferred)["deadline"]}


@pytest.mark.parametrize("kind", ["transfer", "sensor"])
def test_not_published_yet_means_waiting(request, context, wechat_server, kind):
    task = request.getfixturevalue(kind)
    wechat_server.faults.add(faults.errcode(61503), times=2)
    with pytest.raises(TaskDeferred) as first:
        task.execute(context)
    assert first.value.method_name == "execute_complete"
    assert arguments(first)["apps"][0]["periods"] == [[str(YESTERDAY.begin_date), str(YESTERDAY.end_date)]]
    assert arguments(first)["poll_interval"] == 77
    with pytest.raises(TaskDeferred) as second:
        task.execute_complete(context, event(first))
    assert event(second) == event(first), "one deadline for the whole wait"
    result = task.execute_complete(context, event(second))
    assert (result or {}).get("rows", 1) == 1


def test_what_was_loaded_before_the_wait_is_not_fetched_again(transfer, wechat_server):
    """On Airflow 3.0 and 3.1 too, where a task that resumes has a new start_date."""
    before = latest("daily_summary", back=1)
    context = run_context(before.closes_at.subtract(minutes=1), YESTERDAY.closes_at.add(minutes=1))
    wechat_server.override("daily_summary", APPS[0], YESTERDAY.begin_date, {"errcode": 61503, "errmsg": "not yet"})
    with pytest.raises(TaskDeferred) as deferred:
        transfer.execute(context)
    wechat_server.override("daily_summary", APPS[0], YESTERDAY.begin_date, lambda reply: reply)
    context["ti"].start_date = dt.datetime.now(dt.UTC)
    assert transfer.execute_complete(context, event(deferred))["rows"] == 2
    asked = [call.body["begin_date"] for call in wechat_server.calls if call.endpoint == "daily_summary"]
    assert sorted(asked) == [f"{day.begin_date:%Y%m%d}" for day in (before, YESTERDAY, YESTERDAY)]


def test_an_early_empty_reply_means_waiting_too(transfer, context, wechat_server, read, dataset):
    wechat_server.faults.add(faults.empty())
    with pytest.raises(TaskDeferred) as deferred:
        transfer.execute(context)
    transfer.execute_complete(context, event(deferred))
    assert len(read(f"{dataset}.daily_summary")) == 1


@pytest.mark.parametrize(("fault", "error"), [("errcode", DataNotReadyError), ("empty", EmptyReportError)])
def test_a_transfer_s_wait_ends_with_the_error_that_began_it(transfer, context, wechat_server, fault, error):
    wechat_server.faults.add({"errcode": faults.errcode(61503), "empty": faults.empty()}[fault], times=None)
    with pytest.raises(error):
        transfer.execute_complete(context, {"reason": "61503", "deadline": deadline_after(-1)})


def test_a_sensor_s_wait_ends_with_airflow_s_error(sensor, context, wechat_server):
    wechat_server.faults.add(faults.errcode(61503), times=None)
    with pytest.raises(
        AirflowSensorTimeout, match=rf"daily_summary {YESTERDAY} not published \(61503\)\. Gave up after 3600 s"
    ):
        sensor.execute_complete(context, {"reason": "61503", "deadline": deadline_after(-1)})


@pytest.mark.parametrize("kind", ["transfer", "sensor"])
def test_other_errors_surface_at_once(request, context, wechat_server, kind):
    wechat_server.faults.add(faults.errcode(48001), times=None)
    with pytest.raises(AirflowFailException, match="NotAuthorizedError"):
        request.getfixturevalue(kind).execute(context)


def test_without_deferrable_the_task_fails_for_a_retry(transfer, context, wechat_server):
    transfer.deferrable = False
    wechat_server.faults.add(faults.errcode(61503))
    with pytest.raises(DataNotReadyError):
        transfer.execute(context)


@pytest.mark.parametrize("name", ["poll_interval", "wait_timeout"])
@pytest.mark.parametrize("seconds", [0, -1, "600", True, None])
def test_seconds_that_are_none_are_refused(name, seconds):
    with pytest.raises(
        ConfigurationError, match=f"{name} must be a number of seconds above 0, at most 31536000 .*, got"
    ):
        WeAnalysisToBigQueryOperator(
            task_id="t", endpoint="visit_page", destination_project_dataset_table="p.d.t", **{name: seconds}
        )


def test_airflow_s_default_is_honoured():
    code = """
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
load = {"endpoint": "visit_page", "destination_project_dataset_table": "p.d.t"}
print(WeAnalysisDataSensor(task_id="s", endpoint="visit_page").deferrable)
print(WeAnalysisToBigQueryOperator(task_id="t", **load).deferrable)
print(WeAnalysisToBigQueryOperator(task_id="u", deferrable=False, **load).deferrable)
"""
    environment = {**os.environ, "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split()[-3:] == ["True", "True", "False"]


@pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")
def test_in_a_real_run(run_dag, dag_file, wechat_server, read, dataset):
    wechat_server.faults.add(faults.errcode(61503), times=5)
    path = dag_file(
        "deferrable",
        """
        sensor = {"deferrable": True, "poke_interval": 1, "timeout": 120}
        wait = WeAnalysisDataSensor(task_id="wait", endpoint="daily_summary", **sensor)
        wait >> WeAnalysisToBigQueryOperator(
            task_id="load",
            endpoint="visit_page",
            destination_project_dataset_table="{{ var.value.weanalysis_dataset }}.{endpoint}",
            gcp_conn_id=None,
            deferrable=True,
            poll_interval=1,
        )
        """,
    )
    assert run_dag(path) == {("wait", -1): "success", ("load", -1): "success"}
    assert read(f"{dataset}.visit_page")
