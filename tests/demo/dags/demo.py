"""The demo's own DAGs; the others are in example_dags."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import MONTH, WEEK
from airflow_provider_wxanalysis.task_groups import weanalysis_heal, weanalysis_to_bigquery
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
#: The endpoints of the scene about gaps: days, pages, and retention, whose figures grow.
WATCHED = ["daily_visit_trend", "daily_retain", "visit_page"]

with DAG("demo_history", **DAILY):
    DATES = {"from_date": SINCE, "to_date": "{{ macros.ds_add(ds, -1) }}"}
    for endpoint in ("daily_summary", "daily_visit_trend", "daily_retain", "visit_page", "visit_distribution"):
        WeAnalysisToBigQueryOperator(task_id=endpoint, endpoint=endpoint, weanalysis_conn_id=APPS, **DATES, **LOAD)

with DAG("demo_every_endpoint", **DAILY):
    BATCH = {"apps_per_task": len(APPS), "gcp_conn_id": None}
    # On most days no week or month has just ended, so these load the last two of each.
    LONG = {name: entry.window for name, entry in ENDPOINTS.items() if entry.window in (WEEK, MONTH)}
    weanalysis_to_bigquery(APPS, [name for name in ENDPOINTS if name not in LONG], DESTINATION, **BATCH)
    for window in (WEEK, MONTH):
        last = window.latest(pendulum.yesterday("Asia/Shanghai").date())
        dates = {"from_date": str(window.earlier(last, 1).begin_date), "to_date": str(last.end_date)}
        names = [name for name in LONG if LONG[name] is window]
        weanalysis_to_bigquery(APPS, names, DESTINATION, group_id=f"{window.name}s", **dates, **BATCH)

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
