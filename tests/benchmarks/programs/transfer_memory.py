"""The most memory that a load holds: imports, fetching, rows, statements, and Google's client."""

from __future__ import annotations

import datetime as dt
import uuid

import airflow.sdk  # noqa: F401  as the floor does
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.benchmarks.stopwatch import Figures, arguments, clock, peak, report
from tests.support.contexts import run_context

asked = arguments()
dataset = f"bench.t_{uuid.uuid4().hex[:12]}"
bigquery.Client("bench", credentials=AnonymousCredentials()).create_dataset(dataset)
last_day = dt.date.fromisoformat(asked["last_day"])
task = WeAnalysisToBigQueryOperator(
    task_id="load",
    endpoint="visit_page",
    weanalysis_conn_id=asked["appid"],
    gcp_conn_id=None,
    destination_project_dataset_table=f"{dataset}.visit_page",
    from_date=str(last_day - dt.timedelta(days=asked["days"] - 1)),
    to_date=str(last_day),
)
now = dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time(12), tzinfo=SHANGHAI)
figures: Figures = {}
with clock(figures):
    summary = task.execute(run_context(now, now))
figures["rows"], figures["merges"], figures["peak"] = summary["rows"], len(summary["load_ids"]), peak()
report(figures)
