"""Everything every morning: load, heal what is missing, keep the views, and check whether the figures agree.

Loads take the periods that have closed; healing finds what they left out: days before the first run, apps and endpoints
added later, runs missed while the DAG was paused. The last task shows the state of every app and endpoint, and fails if
a slice holds the rows of two loads.

Needs the connections named below and a Variable ``weanalysis_dataset`` that names ``project.dataset``.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.operators.views import WeAnalysisViewsOperator
from airflow_provider_wxanalysis.task_groups import weanalysis_heal, weanalysis_to_bigquery

APPS = ["weanalysis_shop", "weanalysis_magazine"]
DATASET = "{{ var.value.weanalysis_dataset }}"
TABLES = DATASET + ".{endpoint}"
SINCE = "{{ params.since }}"

with DAG(
    dag_id="weanalysis_everything",
    schedule=CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 10, "retry_delay": timedelta(minutes=30), "gcp_conn_id": None},
    params={"since": "2026-01-01"},
    tags=["weanalysis"],
):
    loads = weanalysis_to_bigquery(APPS, destination=TABLES)
    heal = weanalysis_heal(APPS, destination=TABLES, since=SINCE)
    views = WeAnalysisViewsOperator(task_id="views", destination=DATASET, trigger_rule="all_done")
    quality = WeAnalysisCoverageOperator(
        task_id="quality", conn_ids=APPS, destination=TABLES, since=SINCE, quality=True, fail_on={"doubled"}
    )
    loads >> heal >> views >> quality
