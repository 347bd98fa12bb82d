"""Run a DAG in real Airflow by ``dag.test()``, which spares the scheduler and new processes; count what it loaded."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.benchmarks.stopwatch import Figures, arguments, clock, new_dataset, report
from tests.support.airflow_home import make_airflow_home

asked = arguments()
home = Path(tempfile.mkdtemp(prefix="bench-"))
atexit.register(shutil.rmtree, home)
os.environ.update(make_airflow_home(home / "airflow", home / "dags"))
dataset = new_dataset()
(home / "benched.py").write_text(asked["source"].replace("DATASET", dataset))
#: Runs before the clock does, so that what Airflow imports and starts once is not measured.
(home / "first.py").write_text("""
from airflow.sdk import DAG
from airflow.providers.standard.operators.python import PythonOperator

with DAG("first", schedule=None):
    PythonOperator(task_id="first", python_callable=lambda: None)
""")

import pendulum  # noqa: E402
from google.auth.credentials import AnonymousCredentials  # noqa: E402
from google.cloud import bigquery  # noqa: E402

from tests.support.dags import run_dag_file, task_states  # noqa: E402

client = bigquery.Client("bench", credentials=AnonymousCredentials())
client.create_dataset(dataset)
date = pendulum.datetime(2026, 11, 1, 4)
run_dag_file(home / "first.py", home / "dags", date)
figures: Figures = {}
with clock(figures):
    run = run_dag_file(home / "benched.py", home / "dags", date)
states = task_states(run)
assert set(states.values()) == {"success"}, states
((rows,),) = client.query_and_wait(f"SELECT COUNT(*) FROM `{dataset}.{asked['endpoint']}`")
figures["rows"], figures["tasks"] = rows, len(states)
report(figures)
