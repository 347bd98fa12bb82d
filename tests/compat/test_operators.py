"""Operators, sensor and trigger on this version of Airflow: what they take, how they map, wait and end."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect

import pytest
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseOperator,
    BaseSensorOperator,
    TaskDeferred,
)

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.weanalysis import (
    WeAnalysisDailySummaryOperator,
    WeAnalysisOperator,
    WeAnalysisPerformanceDataOperator,
)
from airflow_provider_wxanalysis.periods import DAY, last_closed_day
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.tasks.base import is_mapped_instance
from airflow_provider_wxanalysis.tasks.signatures import OperatorArguments, SensorArguments
from airflow_provider_wxanalysis.testing import faults
from tests.conftest import APPS, run_context

YESTERDAY = DAY.latest(last_closed_day(dt.datetime.now(dt.UTC)))


@pytest.mark.parametrize(("base", "known"), [(BaseOperator, OperatorArguments), (BaseSensorOperator, SensorArguments)])
def test_all_that_airflow_s_base_takes_is_known_to_type_checkers(base, known):
    names = set(inspect.signature(base.__init__).parameters) - {"self", "kwargs"}
    assert names <= set(known.__annotations__)


@pytest.fixture
def dag():
    with DAG("d", schedule=None, default_args={"weanalysis_conn_id": "shop", "lookback": 2}) as dag:
        WeAnalysisPerformanceDataOperator(task_id="plain", modules=["10022"])
        WeAnalysisDailySummaryOperator.partial(task_id="mapped").expand(appids=[["wx1"], ["wx2", "wx3"]])
        WeAnalysisOperator.partial(task_id="by_name").expand(endpoint=["visit_page", "dayly_summary"])
    return dag


def unmapped(dag, task_id, **values):
    return dag.get_task(task_id).unmap(values)


def test_default_args_and_mapping(dag):
    task = unmapped(dag, "mapped", appids=["wx2", "wx3"])
    assert (task.weanalysis_conn_id, task.lookback, task.appids) == ("shop", 2, ["wx2", "wx3"])
    assert task.apps_label == "wx2, wx3"
    assert is_mapped_instance(task)
    assert not is_mapped_instance(dag.get_task("plain"))
    assert dag.get_task("plain").entry.name == "performance_data"


def test_what_cannot_work_is_refused_at_parse_or_at_once(dag):
    with pytest.raises(ConfigurationError, match="^Task 'm': lookback must be"):
        WeAnalysisDailySummaryOperator.partial(task_id="m", lookback=-1)
    task = unmapped(dag, "by_name", endpoint="dayly_summary")
    with pytest.raises(AirflowFailException, match="There is no endpoint 'dayly_summary'"):
        task.pre_execute({})
    unmapped(dag, "by_name", endpoint="visit_page").pre_execute({})


def test_dags_serialize(dag):
    try:
        from airflow.serialization.serialized_objects import DagSerialization as SerializedDAG
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG  # type: ignore[assignment,attr-defined]
    again = SerializedDAG.from_dict(SerializedDAG.to_dict(dag))
    assert list(again.get_task("plain").template_fields) == ["weanalysis_conn_id", "appids", "from_date", "to_date"]
    assert type(again.get_task("mapped")).__name__.endswith("MappedOperator")


@pytest.fixture
def context():
    return run_context(YESTERDAY.closes_at.subtract(days=1), YESTERDAY.closes_at)


@pytest.fixture
def sensor(wechat_server, connect):
    def make(**arguments):
        return WeAnalysisDataSensor(
            task_id="wait",
            endpoint="daily_summary",
            weanalysis_conn_id=connect(wechat_server, auth="central"),
            appids=APPS,
            deferrable=True,
            poke_interval=0.01,
            timeout=600,
            **arguments,
        )

    return make


def test_a_deferred_sensor_waits_for_many_apps(sensor, context, wechat_server):
    wechat_server.faults.add(faults.errcode(61503), endpoint="daily_summary", appid=APPS[1], times=2)
    task = sensor()
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    assert dt.timedelta(minutes=10) < deferred.value.timeout < dt.timedelta(minutes=15)

    async def fire():
        return (await anext(aiter(deferred.value.trigger.run()))).payload

    event = asyncio.run(fire())
    assert event["reason"] == "daily_summary: published."
    task.resume_execution("execute_complete", {"event": event}, context)


@pytest.mark.parametrize(
    ("flags", "outcome"),
    [
        ({}, AirflowSensorTimeout),
        ({"soft_fail": True}, AirflowSkipException),
        ({"never_fail": True}, AirflowSkipException),
    ],
)
@pytest.mark.parametrize("error", ["Trigger timeout", "Trigger/execution timeout"])
def test_a_wait_that_no_trigger_ended(sensor, context, wechat_server, flags, outcome, error):
    wechat_server.faults.add(faults.errcode(61503), times=None)
    with pytest.raises(outcome):
        sensor(**flags).resume_execution("__fail__", {"error": error}, context)


@pytest.mark.parametrize("flag", ["soft_fail", "never_fail"])
def test_a_refusal_skips_where_the_sensor_says_so(sensor, context, wechat_server, flag):
    wechat_server.faults.add(faults.errcode(48001), times=None)
    with pytest.raises(AirflowSkipException, match="48001"):
        sensor(**{flag: True}).execute(context)
