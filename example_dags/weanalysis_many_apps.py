"""Many mini programs in the same tables: one connection per app, fifty apps to a task.

A load replaces the slices of its own apps and no others, so the apps share tables, and rows of fifty travel in one
statement. One app's wrong secret leaves the others loaded, and the error names it. To load a range of days instead of
yesterday, trigger the DAG with ``{"from_date": "2026-03-01", "to_date": "2026-03-14"}``.

Needs the connections named below and a Variable ``weanalysis_dataset`` that names ``project.dataset``.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.task_groups import weanalysis_to_bigquery

APPS = ["weanalysis_shop", "weanalysis_magazine"]
DATE = {"type": ["null", "string"], "format": "date"}

with DAG(
    dag_id="weanalysis_many_apps",
    schedule=CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    # Retries go on past 15:00, from when on an empty reply means a day without visitors.
    default_args={"retries": 10, "retry_delay": timedelta(minutes=30)},
    params={
        "from_date": Param(None, **DATE, title="First day", description="instead of the run's own days"),
        "to_date": Param(None, **DATE, title="Last day", description="inclusive"),
    },
    tags=["weanalysis"],
):
    weanalysis_to_bigquery(
        APPS,
        ["daily_summary", "daily_visit_trend", "daily_retain", "visit_page"],
        "{{ var.value.weanalysis_dataset }}.{endpoint}",
        apps_per_task=50,
        gcp_conn_id=None,
        from_date="{{ params.from_date or '' }}",
        to_date="{{ params.to_date or '' }}",
    )
