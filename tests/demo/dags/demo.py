"""The DAGs of single scenes, and of ``make play``; the others are in example_dags."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.task_groups import weanalysis_heal
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

APPS = ["weanalysis_shop", "weanalysis_magazine"]
DESTINATION = "{{ var.value.weanalysis_dataset }}.{endpoint}"
SINCE = "{{ macros.ds_add(ds, -60) }}"
DAILY = {
    "schedule": CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    "start_date": pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    "catchup": False,
    "tags": ["demo"],
}
LOAD = {"destination_project_dataset_table": DESTINATION, "gcp_conn_id": None}
#: What ``make play`` heals: days, pages, and retention, whose figures grow.
WATCHED = ["daily_visit_trend", "daily_retain", "visit_page"]

with DAG("demo_history", **DAILY):
    DATES = {"from_date": SINCE, "to_date": "{{ macros.ds_add(ds, -1) }}"}
    for endpoint in ("daily_summary", "daily_visit_trend", "daily_retain", "visit_page", "visit_distribution"):
        WeAnalysisToBigQueryOperator(task_id=endpoint, endpoint=endpoint, weanalysis_conn_id=APPS, **DATES, **LOAD)

with DAG("demo_morning", **DAILY):
    WeAnalysisToBigQueryOperator(task_id="load", endpoint="daily_summary", weanalysis_conn_id=APPS[0], **LOAD)

with DAG("demo_wrong_secret", **DAILY):
    WeAnalysisToBigQueryOperator(
        task_id="load", endpoint="daily_summary", weanalysis_conn_id="weanalysis_wrong_secret", **LOAD
    )

with DAG("demo_two_months_of_pages", **DAILY):
    WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint="visit_page",
        weanalysis_conn_id=APPS[0],
        from_date=SINCE,
        to_date="{{ macros.ds_add(ds, -1) }}",
        **LOAD,
    )

with DAG("demo_heal", **DAILY):
    weanalysis_heal([*APPS, "weanalysis_tickets"], WATCHED, DESTINATION, since=SINCE, gcp_conn_id=None)
