"""Import what every load into BigQuery needs, and do nothing."""

from __future__ import annotations

import importlib

import airflow.sdk
from google.cloud import bigquery

from tests.benchmarks.stopwatch import arguments, peak, report

_ = airflow.sdk.BaseOperator, bigquery.Client  # imported when asked for
for module in arguments()["modules"]:
    importlib.import_module(module)
report({"peak": peak()})
