"""Running DAG files with real Airflow: ``dag.test()`` on the tests' scratch home, against both servers."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pendulum
import pytest

from airflow_provider_wxanalysis.periods import SHANGHAI
from tests.support.dags import run_dag_file, task_states


class RunDag:
    """Runs a DAG file's DAG for a logical date, today if not told otherwise, and keeps the DAG run."""

    latest: Any = None

    def __init__(self) -> None:
        # Per test: the whole suite can see midnight in Beijing, and portraits are given of yesterday alone.
        self.today = pendulum.now(SHANGHAI).at(23)

    def __call__(self, path: Path, logical_date: Any = None, **options: Any) -> dict[tuple[str, int], str]:
        """Return the states of the tasks: (task id, map index) -> state."""
        dags = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
        self.latest = run_dag_file(path, dags, logical_date or self.today, **options)
        return task_states(self.latest)


@pytest.fixture
def run_dag(wechat_server: Any, connect: Callable[..., str], dataset: str, monkeypatch: pytest.MonkeyPatch) -> RunDag:
    """Run DAG files with connections of two apps and a Variable that names the dataset."""
    from tests.conftest import APPS

    connect(wechat_server, APPS[0])
    connect(wechat_server, APPS[0], "weanalysis_shop")
    connect(wechat_server, APPS[1], "weanalysis_magazine")
    monkeypatch.setenv("AIRFLOW_VAR_WEANALYSIS_DATASET", dataset)
    return RunDag()


def load_text(dataset: str, endpoint: str = "daily_summary", **arguments: str) -> str:
    """Return the text of a load's operator.

    :param dataset: where to; the table has the endpoint's name.
    :param arguments: further arguments, as code.
    """
    given = {
        "task_id": "'load'",
        "endpoint": repr(endpoint),
        "destination_project_dataset_table": f"'{dataset}.{{endpoint}}'",
        "gcp_conn_id": "None",
        **arguments,
    }
    return f"WeAnalysisToBigQueryOperator({', '.join(f'{name}={code}' for name, code in given.items())})"


@pytest.fixture
def dag_file(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a DAG file around some lines."""

    def write(name: str, body: str) -> Path:
        head = """
            import pendulum
            from airflow.providers.common.compat.sdk import DAG
            from airflow.timetables.interval import CronDataIntervalTimetable
            from airflow_provider_wxanalysis.operators.weanalysis import *
            from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
            from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

            DAILY = CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai")
            START = pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai")
        """
        path = tmp_path / f"{name}.py"
        with_dag = f"with DAG('{name}', schedule=DAILY, start_date=START, catchup=False):"
        body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
        path.write_text(f"{textwrap.dedent(head)}\n{with_dag}\n{body}\n")
        return path

    return write
