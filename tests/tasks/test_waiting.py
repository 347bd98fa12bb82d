"""The deferral of a task: what the trigger gets, and when Airflow ends a wait that no trigger ends."""

from __future__ import annotations

import datetime as dt
import json
from types import MappingProxyType

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowTaskTimeout, TaskDeferred

from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.tasks.waiting import deadline_after, timed_out
from airflow_provider_wxanalysis.tasks.waiting import deferral as deferral_of
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.triggers.weanalysis import WeAnalysisPublishedTrigger
from tests.conftest import run_context
from tests.transfers.conftest import latest

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def context():
    period = latest("performance_data")
    return run_context(period.closes_at.subtract(minutes=1), period.closes_at.add(minutes=1))


@pytest.fixture
def sensor(wechat_server, connect):
    def make(**arguments):
        wechat_server.faults.add(faults.errcode(61503), times=None)
        given = {"endpoint": "performance_data", "weanalysis_conn_id": connect(wechat_server), "timeout": HOUR}
        return WeAnalysisDataSensor(task_id="wait", deferrable=True, **{**given, **arguments})

    return make


def deferral(task, context):
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    return deferred.value


def test_the_scheduler_ends_a_wait_that_the_trigger_does_not(sensor, context):
    timeout = deferral(sensor(), context).timeout
    assert HOUR < timeout < HOUR + dt.timedelta(minutes=2), "the trigger's own deadline comes first"


def test_execution_timeout_counts_from_the_task_s_start(sensor, context):
    context["ti"].start_date -= 10 * dt.timedelta(minutes=1)
    timeout = deferral(sensor(execution_timeout=dt.timedelta(minutes=15)), context).timeout
    assert dt.timedelta(minutes=4) < timeout <= dt.timedelta(minutes=5)


def test_an_execution_timeout_that_is_over_ends_the_wait_as_in_a_worker(sensor, context):
    context["ti"].start_date -= HOUR
    task = sensor(execution_timeout=dt.timedelta(minutes=15))
    with pytest.raises(AirflowTaskTimeout, match=r"performance_data: execution_timeout=0:15:00 is over\."):
        task.resume_execution("__fail__", {"error": "Trigger timeout"}, context)


def test_without_a_triggerer_it_asks_once_more(sensor, context, wechat_server):
    with pytest.raises(AirflowSensorTimeout):
        sensor(endpoint="daily_summary").resume_execution("__fail__", {"error": "Trigger timeout"}, context)
    assert wechat_server.count("daily_summary") == 1


@pytest.mark.parametrize(
    ("method", "kwargs", "expected"),
    [
        ("__fail__", {"error": "Trigger timeout"}, True),  # Airflow 3
        ("__fail__", {"error": "Trigger/execution timeout"}, True),  # Airflow 2.11
        ("__fail__", {"error": "Trigger failure", "traceback": ["timeout"]}, False),
        ("__fail__", None, False),
        ("execute_complete", {"event": {"reason": "timeout"}}, False),
    ],
)
def test_how_airflow_says_that_no_trigger_fired_in_time(method, kwargs, expected):
    assert timed_out(method, kwargs) is expected


def test_the_trigger_s_arguments_are_plain(sensor, context):
    """Airflow keeps them in its database."""
    options = MappingProxyType({"modules": ("10022",), "devices": frozenset(["1"])})
    path, arguments = deferral(sensor(endpoint_options=options), context).trigger.serialize()
    assert path.endswith(".WeAnalysisPublishedTrigger")
    assert json.loads(json.dumps(arguments)) == arguments
    assert arguments["endpoint_options"] == {"modules": ["10022"], "devices": ["1"]}


@pytest.mark.parametrize("shared", [True, False], ids=["one connection", "a connection each"])
def test_the_arguments_for_500_apps_fit_the_database(shared):
    """MySQL keeps 65,535 bytes of a trigger's arguments; Airflow wraps and encrypts them."""
    from airflow.models.trigger import Trigger

    ids = [f"wx{number:016x}" for number in range(500)]
    apps = [AppRef("company", appid) if shared else AppRef(appid) for appid in ids]
    waits = dict.fromkeys(apps, (latest("daily_summary"),))
    deferred = deferral_of(
        waits,
        endpoint="daily_summary",
        endpoint_options=None,
        empty_is_ready_after=HOUR,
        poll_interval=600,
        deadline=deadline_after(3600),
    )
    path, arguments = deferred.trigger.serialize()
    kept = Trigger.encrypt_kwargs(arguments)
    assert len(kept) < 20_000
    assert WeAnalysisPublishedTrigger(**Trigger._decrypt_kwargs(kept)).serialize() == (path, arguments)
