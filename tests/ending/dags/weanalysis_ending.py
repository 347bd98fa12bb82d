"""A load that is told to end while it is under way; it notes down when it began and when it ended."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

SECONDS = os.environ["ENDING_TIMEOUT"]
FROM_DATE, TO_DATE = json.loads(os.environ["ENDING_DATES"])


class Load(WeAnalysisToBigQueryOperator):
    def execute(self, context):
        self.note("began")
        try:
            return super().execute(context)
        finally:
            self.note("ended")

    def note(self, what):
        with Path(os.environ["ENDING_MOMENTS"]).open("a") as moments:
            moments.write(f"{what} {time.time()}\n")


with DAG("weanalysis_ending", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    Load(
        task_id=os.environ["ENDING_TASK"],
        endpoint="daily_summary",
        weanalysis_conn_id=os.environ["ENDING_TASK"],
        destination_project_dataset_table=os.environ["ENDING_TABLE"],
        create_dataset=True,
        gcp_conn_id=None,
        from_date=FROM_DATE,
        to_date=TO_DATE,
        retries=0,
        execution_timeout=timedelta(seconds=float(SECONDS)) if SECONDS else None,
    )
