"""Another task may find no app to ask for: what follows is skipped. A literal empty list is refused at parse."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.operators.weanalysis import WeAnalysisOperator
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

DESTINATION = "p.d.{endpoint}"
KINDS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "operator": (WeAnalysisOperator, "weanalysis_conn_id", {"endpoint": "daily_summary"}),
    "sensor": (WeAnalysisDataSensor, "weanalysis_conn_id", {"endpoint": "daily_summary"}),
    "transfer": (
        WeAnalysisToBigQueryOperator,
        "weanalysis_conn_id",
        {"endpoint": "daily_summary", "destination_project_dataset_table": DESTINATION, "gcp_conn_id": None},
    ),
    "coverage": (
        WeAnalysisCoverageOperator,
        "conn_ids",
        {"destination": DESTINATION, "since": "2026-01-01", "gcp_conn_id": None},
    ),
}


def test_an_empty_list_from_another_task_skips(run_dag, dag_file):
    body = """
        from airflow.providers.common.compat.sdk import task
        from tests.tasks.test_no_apps import KINDS

        @task
        def none():
            return []

        @task
        def batches():
            return [[]]

        for name, (kind, conn_ids, arguments) in KINDS.items():
            kind(task_id=name, **{conn_ids: none()}, **arguments)
            kind(task_id=f"{name}_appids", **{conn_ids: "weanalysis_default"}, appids=none(), **arguments)
            kind.partial(task_id=f"{name}_mapped", **arguments).expand(**{conn_ids: batches()})
        """
    states = run_dag(dag_file("no_apps", body))
    ended = {task: state for (task, _), state in states.items() if task.partition("_")[0] in KINDS}
    assert len(ended) == 3 * len(KINDS)
    assert set(ended.values()) == {"skipped"}, ended


@pytest.mark.parametrize("kind", KINDS)
def test_a_literal_one_is_refused_when_the_dag_is_parsed(kind):
    operator, conn_ids, arguments = KINDS[kind]
    empty: list[dict[str, Any]] = [{conn_ids: []}, {conn_ids: "shop", "appids": []}]
    for given in empty:
        with pytest.raises(ConfigurationError, match="at least one app, got an empty list"):
            operator(task_id="t", **given, **arguments)
