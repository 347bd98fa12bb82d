"""Everything WeChat knows about one mini program, into BigQuery, every morning.

One daily DAG serves days, weeks and months alike: a weekly endpoint works in the run whose interval holds Monday 00:00
and skips in the others, a monthly one on the first of the month.

Needs a connection ``weanalysis_default`` and a Variable ``weanalysis_dataset`` that names ``project.dataset``.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

with DAG(
    dag_id="weanalysis_to_bigquery",
    schedule=CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=30)},
    tags=["weanalysis"],
):
    for endpoint in ENDPOINTS:
        published = WeAnalysisDataSensor(
            task_id=f"wait_for_{endpoint}",
            endpoint=endpoint,
            mode="reschedule",
            poke_interval=900,
            timeout=8 * 3600,
        )
        load = WeAnalysisToBigQueryOperator(
            task_id=f"load_{endpoint}",
            endpoint=endpoint,
            destination_project_dataset_table="{{ var.value.weanalysis_dataset }}.{endpoint}",
            gcp_conn_id=None,
        )
        published >> load
