"""Many mini programs in the same tables: one connection per app, one mapped task per app.

A load replaces its own app's rows and no other's, so the apps share tables and each can be run again by itself. To load
a range of days instead of yesterday, trigger the DAG with ``{"from_date": "2026-03-01", "to_date": "2026-03-14"}``.

Needs the connections named below, a pool ``weanalysis`` of at most 8 slots, and a Variable ``weanalysis_dataset`` that
names ``project.dataset``.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

APPS = ["weanalysis_shop", "weanalysis_magazine"]

with DAG(
    dag_id="weanalysis_many_apps",
    schedule=CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    # Past 15:00, when an empty reply is taken for a day without visitors.
    default_args={"retries": 10, "retry_delay": timedelta(minutes=30)},
    params={"from_date": "", "to_date": ""},
    tags=["weanalysis"],
):
    for endpoint in ("daily_summary", "daily_visit_trend", "daily_retain", "visit_page"):
        WeAnalysisToBigQueryOperator.partial(
            task_id=f"load_{endpoint}",
            endpoint=endpoint,
            destination_project_dataset_table="{{ var.value.weanalysis_dataset }}.{endpoint}",
            gcp_conn_id=None,
            from_date="{{ params.from_date }}",
            to_date="{{ params.to_date }}",
            pool="weanalysis",
        ).expand(weanalysis_conn_id=APPS)
