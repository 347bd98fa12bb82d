"""Import what every load into BigQuery needs, and do nothing."""

from __future__ import annotations

import airflow.sdk
from google.cloud import bigquery

from tests.benchmarks.stopwatch import peak, report

assert airflow.sdk.BaseOperator  # imported when asked for
assert bigquery.Client
report({"peak": peak()})
