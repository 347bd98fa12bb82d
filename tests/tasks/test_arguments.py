"""Arguments that are known when a DAG is parsed, and those that are not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.weanalysis import WeAnalysisOperator, WeAnalysisVisitPageOperator
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_empty": "skipp"}, "on_empty must be one of"),
        ({"lookback": -1}, "lookback must be"),
        ({"poll_interval": "x"}, "poll_interval must be a number of seconds above 0, got 'x'"),
        ({"wait_timeout": 0}, "wait_timeout must be"),
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


def test_what_is_mapped_over_is_not_missed():
    with DAG("d", schedule=None):
        WeAnalysisToBigQueryOperator.partial(
            task_id="t", from_date="2026-03-01", endpoint="visit_page", destination_project_dataset_table=TABLE
        ).expand(to_date=["2026-03-01", "2026-03-02"])
        WeAnalysisOperator.partial(task_id="u").expand(endpoint=["visit_page", "daily_summary"])
        WeAnalysisVisitPageOperator.partial(task_id="v").expand(weanalysis_conn_id=["shop", "press"])
