"""Execute a DAG file as Airflow does, then again: with all imports there, what is left are the operators."""

from __future__ import annotations

import gc
import importlib.util
import math
import tempfile
from pathlib import Path

from tests.benchmarks.programs.import_module import import_airflow, weighed
from tests.benchmarks.stopwatch import Figures, arguments, report

AGAIN = 5  # the fastest counts: a tenth of a second is easily disturbed
OURS = "airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery"
#: A table that is spelled out becomes an asset, an outlet of the task.
CALL = """WeAnalysisToBigQueryOperator(
            task_id=endpoint,
            endpoint=endpoint,
            weanalysis_conn_id=f"app_{{number}}",
            destination_project_dataset_table="{dataset}.{{endpoint}}",
            gcp_conn_id=None,
            lookback=1,
        )"""
#: Operator -> its module, and how a file makes one, in a loop over ``endpoint``.
OPERATORS = {
    "EmptyOperator": ("airflow.providers.standard.operators.empty", "EmptyOperator(task_id=endpoint)"),
    "EmptyOperator, asset": (
        "airflow.providers.standard.operators.empty",
        'EmptyOperator(task_id=endpoint, outlets=[Asset(f"bigquery://my-project/wechat/{endpoint}")])',
    ),
    "WeAnalysisToBigQueryOperator": (OURS, CALL.format(dataset="{{ var.value.weanalysis_dataset }}")),
    "WeAnalysisToBigQueryOperator, asset": (OURS, CALL.format(dataset="my-project.wechat")),
    "WeAnalysisToBigQueryOperator, unchecked": (
        "tests.benchmarks.programs.unchecked",
        CALL.format(dataset="{{ var.value.weanalysis_dataset }}"),
    ),
    "WeAnalysisVisitPageOperator": (
        "airflow_provider_wxanalysis.operators.weanalysis",
        'WeAnalysisVisitPageOperator(task_id=endpoint, weanalysis_conn_id=f"app_{number}", lookback=1)',
    ),
    "WeAnalysisDataSensor": (
        "airflow_provider_wxanalysis.sensors.weanalysis",
        """WeAnalysisDataSensor(
            task_id=endpoint,
            endpoint=endpoint,
            weanalysis_conn_id=f"app_{number}",
            mode="reschedule",
            poke_interval=600,
        )""",
    ),
    "BaseSensorOperator": ("airflow.sdk", "BaseSensorOperator(task_id=endpoint)"),
    "HttpSensor": (
        "airflow.providers.http.sensors.http",
        """HttpSensor(
            task_id=endpoint,
            http_conn_id=f"app_{number}",
            endpoint=f"datacube/{endpoint}",
            mode="reschedule",
            poke_interval=600,
        )""",
    ),
    "GCSToBigQueryOperator": (
        "airflow.providers.google.cloud.transfers.gcs_to_bigquery",
        """GCSToBigQueryOperator(
            task_id=endpoint,
            bucket=f"app-{number}",
            source_objects=[f"{endpoint}/{{{{ ds }}}}.json"],
            source_format="NEWLINE_DELIMITED_JSON",
            destination_project_dataset_table=f"my-project.wechat.{endpoint}",
            write_disposition="WRITE_APPEND",
            autodetect=True,
        )""",
    ),
    "HttpOperator": (
        "airflow.providers.http.operators.http",
        """HttpOperator(
            task_id=endpoint,
            http_conn_id=f"app_{number}",
            endpoint=f"datacube/{endpoint}",
            data={"begin_date": "{{ ds_nodash }}", "end_date": "{{ ds_nodash }}"},
            headers={"Content-Type": "application/json"},
        )""",
    ),
}
FILE = """\
import datetime as dt

from airflow.sdk import DAG, Asset
from {module} import {operator}

ENDPOINTS = {endpoints}

for number in range({dags}):
    with DAG(
        dag_id=f"{prefix}_{{number}}",
        schedule="30 10 * * *",
        start_date=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
        catchup=False,
        default_args={{"retries": 3, "pool": "wechat"}},
    ) as dag:
        globals()[dag.dag_id] = dag
        for endpoint in ENDPOINTS:
            {call}
"""


def parse(path: Path) -> None:
    """Execute the file as a module of its own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kept.append(module)


asked = arguments()
kept: list[object] = []  # as Airflow keeps the DAGs until it has stored them
module, call = OPERATORS[asked["operator"]]
import_airflow()
figures: Figures = {}
with tempfile.TemporaryDirectory(prefix="bench-") as folder:
    for number in range(1 + AGAIN):
        name = "again" if number else "first"
        prefix = f"{name}_{number}"
        path = Path(folder, f"dags_{prefix}.py")
        values = {**asked, "module": module, "operator": call.split("(")[0], "call": call, "prefix": prefix}
        path.write_text(FILE.format(**values))
        gc.collect()
        found: Figures = {}
        with weighed(found):
            parse(path)
        if found["cpu"] < figures.get(f"{name}_cpu", math.inf):
            figures.update({f"{name}_{what}": value for what, value in found.items()})
report(figures)
