"""Arguments of operators, sensor and transfer: what is refused when the DAG is parsed, and what waits for the run."""

from __future__ import annotations

import datetime as dt
import inspect

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators import weanalysis as operators
from airflow_provider_wxanalysis.operators.weanalysis import (
    WeAnalysisOperator,
    WeAnalysisPerformanceDataOperator,
)
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

ALL = {
    "operator": WeAnalysisOperator,
    "sensor": WeAnalysisDataSensor,
    "transfer": WeAnalysisToBigQueryOperator,
}


def make(kind, **arguments):
    if kind == "transfer":
        arguments.setdefault("destination_project_dataset_table", "p.d.{endpoint}")
    return ALL[kind](task_id=f"a_{kind}", **{"endpoint": "daily_visit_trend", **arguments})


def subclasses():
    """The operators of single endpoints."""
    classes = [cls for cls in vars(operators).values() if inspect.isclass(cls) and issubclass(cls, WeAnalysisOperator)]
    return [cls for cls in classes if cls is not WeAnalysisOperator]


def test_an_operator_s_own_options_reach_the_endpoint():
    task = WeAnalysisPerformanceDataOperator(task_id="t", modules=["10022"], devices=["1", "2"])
    assert [(cell["module"], cell["device"]) for cell in task.entry.cells] == [("10022", "1"), ("10022", "2")]
    assert len(WeAnalysisPerformanceDataOperator(task_id="t").entry.cells) == 5


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"endpoint": "daily_visits"}, "There is no endpoint 'daily_visits'. Known, nearest first: daily_visit_trend"),
        ({"endpoint_options": {"modules": ["10022"]}}, "takes no endpoint_options"),
        ({"endpoint": "performance_data", "endpoint_options": {"modules": ["1"]}}, "cannot be asked for modules"),
        ({"endpoint": "user_portrait", "endpoint_options": {"window_days": 2}}, "over 1, 7 or 30 days"),
        ({"from_date": "2026-03-01"}, "go together"),
        ({"from_date": "2026-03-32", "to_date": "2026-03-31"}, "no date of the calendar"),
        ({"from_date": "2026-03-02", "to_date": "2026-03-01"}, "is after"),
        ({"from_date": "2999-01-01", "to_date": "2999-01-01"}, "has not ended yet"),
        (
            {"endpoint": "weekly_retain", "from_date": "2026-03-01", "to_date": "2026-03-07"},
            "not made of whole periods of the window 'week'; the nearest that is: 2026-02-23 to 2026-03-08",
        ),
    ],
)
def test_literals_are_refused_when_the_dag_is_parsed(kind, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        make(kind, **arguments)


@pytest.mark.parametrize("kind", ["operator", "transfer"])
@pytest.mark.parametrize("lookback", [-1, 10**9, "7", [0]])
def test_an_absurd_lookback_is_refused(kind, lookback):
    with pytest.raises(ConfigurationError, match="lookback="):
        make(kind, lookback=lookback)


@pytest.mark.parametrize("kind", ["sensor", "transfer"])
@pytest.mark.parametrize("delay", ["15:00", 15, dt.timedelta(hours=-1)])
def test_a_delay_that_is_none_is_refused(kind, delay):
    with pytest.raises(ConfigurationError, match="empty_is_ready_after="):
        make(kind, empty_is_ready_after=delay)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"destination_project_dataset_table": "d.t"}, "not of the form"),
        ({"destination_project_dataset_table": "p.d.{app}"}, "only"),
        ({"on_empty": "ignore"}, "on_empty='ignore' is unknown; choose one of fail, skip, replace"),
    ],
)
def test_a_transfer_s_own_literals_are_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        make("transfer", **arguments)


@pytest.mark.parametrize("kind", ALL)
def test_templates_wait_for_the_run(kind):
    make(kind, from_date="{{ ds }}", to_date="{{ ds }}", weanalysis_conn_id="{{ params.app }}")


def test_a_templated_table_waits_for_the_run():
    make("transfer", destination_project_dataset_table="{{ var.value.weanalysis_dataset }}.{endpoint}")


def test_default_args_of_a_dag_reach_every_operator():
    with DAG("d", schedule=None, default_args={"weanalysis_conn_id": "shop", "lookback": 2}):
        tasks = [make("operator"), make("sensor"), make("transfer"), operators.WeAnalysisVisitPageOperator(task_id="p")]
    assert {task.weanalysis_conn_id for task in tasks} == {"shop"}
    assert [task.lookback for task in tasks if hasattr(task, "lookback")] == [2, 2, 2]


@pytest.mark.parametrize("kind", ALL)
def test_template_fields_are_attributes(kind):
    task = make(kind)
    assert {"weanalysis_conn_id", "from_date", "to_date"} <= set(task.template_fields)
    assert all(hasattr(task, name) for name in task.template_fields)


@pytest.mark.parametrize("kind", ALL)
def test_every_argument_is_documented(kind):
    for cls in ALL[kind].__mro__:
        if "weanalysis" in cls.__module__ and "__init__" in vars(cls):
            names = set(inspect.signature(cls.__init__).parameters) - {"self", "kwargs"}
            assert {name for name in names if f":param {name}:" not in cls.__doc__} == set()
