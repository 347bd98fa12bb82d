"""Arguments that are known when a DAG is parsed, and those that are not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.operators.views import WeAnalysisViewsOperator
from airflow_provider_wxanalysis.operators.weanalysis import (
    WeAnalysisOperator,
    WeAnalysisPerformanceDataOperator,
    WeAnalysisUserPortraitOperator,
    WeAnalysisVisitPageOperator,
)
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.task_groups import weanalysis_to_bigquery
from airflow_provider_wxanalysis.tasks.arguments import is_literal
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

TABLE = "p.d.{endpoint}"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "2026-03-01",
        "p.d.{endpoint}",
        "example.com:p.d.t",
        "访问_{appid}",
        7,
        dt.date(2026, 3, 1),
        ["a", "b"],
        (),
    ],
)
def test_literals(value):
    assert is_literal(value)


@pytest.mark.parametrize(
    "value", ["{{ ds }}", "{% if x %}", "{# x #}", "[[ ds ]]", "<% ds %>", "${ds}", object(), ["{{ a }}"]]
)
def test_what_may_be_a_template_or_another_task_s_output(value):
    assert not is_literal(value)


def test_a_dag_s_own_delimiters_are_respected():
    marks = {"variable_start_string": "[[", "variable_end_string": "]]"}
    given: dict[str, Any] = {"from_date": "[[ ds ]]", "to_date": "[[ ds ]]", "weanalysis_conn_id": "[[ params.app ]]"}
    with DAG("d", schedule=None, jinja_environment_kwargs=marks) as dag:
        task = WeAnalysisToBigQueryOperator(
            task_id="t",
            endpoint="visit_page",
            destination_project_dataset_table="[[ params.dataset ]].t",
            **given,
        )
    task.render_template_fields(
        {"ds": "2026-03-01", "params": {"app": "shop", "dataset": "p.d"}}, jinja_env=dag.get_template_env()
    )
    assert (task.from_date, task.weanalysis_conn_id) == ("2026-03-01", "shop")
    assert task.destination_project_dataset_table == "p.d.t"


def test_a_group_takes_them_in_its_lists():
    marks = {"variable_start_string": "[[", "variable_end_string": "]]"}
    with DAG("d", schedule=None, jinja_environment_kwargs=marks) as dag:
        weanalysis_to_bigquery(["[[ params.app ]]", "shop"], ["visit_page"], TABLE, group_id="conn_ids")
        weanalysis_to_bigquery("shop", ["visit_page"], TABLE, appids=["(( params.app ))"], group_id="appids")
    assert sorted(dag.task_ids) == ["appids.visit_page", "conn_ids.visit_page"]


def test_a_mapped_task_s_label_does_so_too(run_dag, dag_file, dataset):
    body = f"""
        dag.jinja_environment_kwargs = {{"variable_start_string": "[[", "variable_end_string": "]]"}}
        WeAnalysisToBigQueryOperator.partial(
            task_id="t", destination_project_dataset_table="{dataset}.{{endpoint}}", gcp_conn_id=None
        ).expand(endpoint=["daily_summary"])
        """
    path = dag_file("own_delimiters", body)
    path.write_text(path.read_text().replace("catchup=False):", "catchup=False) as dag:"))
    assert set(run_dag(path).values()) == {"success"}
    (label,) = {ti.rendered_map_index for ti in run_dag.latest.get_task_instances()}
    assert label == "weanalysis_default daily_summary"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_empty": "skipp"}, "on_empty must be one of"),
        ({"lookback": -1}, "lookback must be"),
        ({"poll_interval": "x"}, "poll_interval must be a number of seconds above 0, at most .*, got 'x'"),
        ({"poll_interval": float("inf")}, r"poll_interval must be .* at most 31536000 \(365 days\), got inf"),
        ({"wait_timeout": 0}, "wait_timeout must be"),
        ({"wait_timeout": 1e12}, r"wait_timeout must be .* at most 31536000 \(365 days\), got 1000000000000\.0"),
        ({"wait_timeout": float("nan")}, "wait_timeout must be"),
        ({"empty_is_ready_after": dt.timedelta.max}, "empty_is_ready_after must be .* at most 365 days, got"),
        ({"from_date": "2026-03-32"}, "must be a day of the calendar"),
        ({"from_date": "2026-03-02", "to_date": "2026-03-01"}, "is after"),
        ({"endpoint": "dayly_summary"}, "There is no endpoint 'dayly_summary'"),
        ({"endpoint_options": {"modules": ["1"]}}, "takes no endpoint_options"),
        ({"destination_project_dataset_table": "d.t"}, "d.t"),
        ({"weanalysis_conn_id": []}, "at least one app"),
    ],
)
def test_what_mapped_instances_share_is_checked_when_the_dag_is_parsed(arguments, message):
    given = {"endpoint": "visit_page", "destination_project_dataset_table": TABLE, **arguments}
    with pytest.raises(ConfigurationError, match=f"^Task 'mapped': .*{message}"):
        WeAnalysisToBigQueryOperator.partial(task_id="mapped", **given)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("timeout", 1e12), ("timeout", dt.timedelta(days=366)), ("poke_interval", float("inf"))],
)
def test_a_sensor_s_wait_has_an_end(argument, value):
    given: dict[str, Any] = {argument: value}
    with pytest.raises(ConfigurationError, match=rf"{argument} must be at most 31536000 \(365 days\), got"):
        WeAnalysisDataSensor.partial(task_id="t", endpoint="visit_page", **given)
    with pytest.raises((ConfigurationError, OverflowError)):  # the latter is Airflow's own
        WeAnalysisDataSensor(task_id="t", endpoint="visit_page", **given)


@pytest.mark.parametrize(
    ("operator", "arguments", "message"),
    [
        (WeAnalysisUserPortraitOperator, {"window_days": 2}, "window_days"),
        (WeAnalysisPerformanceDataOperator, {"modules": ["1"]}, "modules"),
        (WeAnalysisPerformanceDataOperator, {"devices": ["9"]}, "devices"),
    ],
)
def test_so_are_arguments_that_only_one_operator_has(operator, arguments, message):
    with pytest.raises(ConfigurationError, match=f"^Task 'mapped': .*{message}"):
        operator.partial(task_id="mapped", **arguments)


@pytest.mark.parametrize("wrong", [{"on_empty": "skipp"}, {"lookback": -1}, {"labels": {"team": "Data Eng"}}])
def test_so_are_default_args_of_the_dag(wrong):
    with DAG("d", schedule=None, default_args=wrong), pytest.raises(ConfigurationError, match="^Task 'mapped': "):
        WeAnalysisToBigQueryOperator.partial(
            task_id="mapped", endpoint="visit_page", destination_project_dataset_table=TABLE
        )


def test_what_is_mapped_over_is_not_missed():
    with DAG("d", schedule=None):
        WeAnalysisToBigQueryOperator.partial(
            task_id="t", from_date="2026-03-01", endpoint="visit_page", destination_project_dataset_table=TABLE
        ).expand(to_date=["2026-03-01", "2026-03-02"])
        WeAnalysisOperator.partial(task_id="u").expand(endpoint=["visit_page", "daily_summary"])
        WeAnalysisVisitPageOperator.partial(task_id="v").expand(weanalysis_conn_id=["shop", "press"])


def with_a_note(operator):
    """A user's subclass whose templated argument is set after the constructor's own, as Airflow lets it be."""

    class Noted(operator):  # type: ignore[valid-type,misc]
        template_fields = (*operator.template_fields, "note")

        def __init__(self, *, note="{{ ds }}", **arguments):
            super().__init__(**arguments)
            self.note = note

    return Noted


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [
        (WeAnalysisVisitPageOperator, {}),
        (WeAnalysisDataSensor, {"endpoint": "visit_page"}),
        (WeAnalysisToBigQueryOperator, {"endpoint": "visit_page", "destination_project_dataset_table": TABLE}),
        (WeAnalysisCoverageOperator, {"conn_ids": "shop", "since": "2026-01-01"}),
        (WeAnalysisViewsOperator, {}),
    ],
)
def test_a_subclass_may_add_a_templated_argument(operator, arguments):
    task = with_a_note(operator)(task_id="t", **arguments)
    task.render_template_fields({"ds": "2026-03-01", "var": {"value": {"weanalysis_dataset": "p.d"}}})
    task.pre_execute({})
    assert task.note == "2026-03-01"
