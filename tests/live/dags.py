"""Everything of many apps as mapped tasks of one run, and of hundreds in batches; and a DAG loaded by a backfill."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.task_groups import weanalysis_to_bigquery
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

TARGET: dict[str, Any] = {
    "destination_project_dataset_table": "{{ var.value.weanalysis_dataset }}.{{ dag.dag_id }}_{endpoint}",
    "gcp_conn_id": None,
    "pool": "weanalysis",
}

# local-bigquery has no queue: of two changes at the same moment it refuses one.
RETRIES = {"retries": 5, "retry_delay": timedelta(seconds=1)}

with DAG("live_everything", schedule=None, default_args=RETRIES):
    WeAnalysisToBigQueryOperator.partial(task_id="load", **TARGET).expand(
        endpoint=list(ENDPOINTS), weanalysis_conn_id=["weanalysis_shop", "weanalysis_magazine"]
    )

with DAG(
    "live_backfill",
    schedule=CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    end_date=pendulum.datetime(2026, 4, 1, tz="Asia/Shanghai"),
    catchup=False,
    default_args=RETRIES,
):
    WeAnalysisToBigQueryOperator(
        task_id="load", endpoint="daily_retain", weanalysis_conn_id="weanalysis_shop", **TARGET
    )

#: As many as ``make live`` is told; every one has an AppID of its own behind one connection.
FLEET = [f"wx{number:016x}" for number in range(int(os.environ.get("WEANALYSIS_LIVE_APPS", "300")))]

with DAG("live_fleet", schedule=None, default_args=RETRIES):
    weanalysis_to_bigquery(
        "weanalysis_fleet",
        appids=FLEET,
        apps_per_task=50,
        destination="{{ var.value.weanalysis_dataset }}.{{ dag.dag_id }}_{endpoint}",
        gcp_conn_id=None,
        pool="weanalysis",
    )
