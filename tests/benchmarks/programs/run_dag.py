"""Load days with one task for each, in real Airflow by ``dag.test()``, which spares the scheduler and new processes."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from pathlib import Path

from tests.benchmarks.stopwatch import Figures, arguments, clock, report
from tests.support.airflow_home import make_airflow_home

asked = arguments()
home = Path(tempfile.mkdtemp(prefix="bench-"))
atexit.register(shutil.rmtree, home)
os.environ.update(make_airflow_home(home / "airflow", home / "dags"))
(appid,) = asked["tokens"]
dataset = f"bench.t_{uuid.uuid4().hex[:12]}"
source = f'''
import datetime as dt
import pendulum
from airflow.sdk import DAG
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

with DAG("daily", schedule=None, start_date=pendulum.datetime(2020, 1, 1)):
    for back in range({asked["days"]}):
        day = str(dt.date.fromisoformat("{asked["last_day"]}") - dt.timedelta(days=back))
        WeAnalysisToBigQueryOperator(
            task_id=f"load_{{day}}", endpoint="visit_page", weanalysis_conn_id="{appid}", gcp_conn_id=None,
            destination_project_dataset_table="{dataset}.visit_page", from_date=day, to_date=day,
        )
'''
(home / "daily.py").write_text(source)

import pendulum  # noqa: E402
from google.auth.credentials import AnonymousCredentials  # noqa: E402
from google.cloud import bigquery  # noqa: E402

from tests.support.dags import run_dag_file, task_states  # noqa: E402

client = bigquery.Client("bench", credentials=AnonymousCredentials())
client.create_dataset(dataset)
figures: Figures = {}
with clock(figures):
    run = run_dag_file(home / "daily.py", home / "dags", pendulum.datetime(2026, 11, 1, 4))
assert set(task_states(run).values()) == {"success"}
((rows,),) = client.query_and_wait(f"SELECT COUNT(*) FROM `{dataset}.visit_page`")
figures["rows"] = rows
report(figures)
