"""A load that is told to end while it is under way."""

from __future__ import annotations

import os
from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

SECONDS = os.environ.get("ENDING_TIMEOUT")

with DAG("weanalysis_ending", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint="daily_summary",
        destination_project_dataset_table=os.environ["ENDING_TABLE"],
        gcp_conn_id=None,
        from_date="2026-03-01",
        to_date="2026-03-02",
        retries=0,
        execution_timeout=timedelta(seconds=float(SECONDS)) if SECONDS else None,
    )
