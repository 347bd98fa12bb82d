"""The past, once: a run per month that loads the days, weeks and months which ended in it.

One wide interval holds many periods, and a task fetches them with several requests in flight and writes them in as few
statements as their bytes need. So a year takes twelve runs, not 365. Portraits have no past: WeChat answers
only for windows that ended yesterday or the day before.

Needs the connections named below and a Variable ``weanalysis_dataset`` that names ``project.dataset``. Switch it on and
Airflow catches up, or run one month by hand: ``airflow dags test weanalysis_history 2026-03-02``.
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

APPS = ["weanalysis_shop", "weanalysis_magazine"]

with DAG(
    dag_id="weanalysis_history",
    # Past 15:00 on the first, when the month's last day is surely published.
    schedule=CronDataIntervalTimetable("0 16 1 * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2025, 1, 1, tz="Asia/Shanghai"),
    catchup=True,
    max_active_runs=1,
    tags=["weanalysis"],
):
    for endpoint in (name for name, entry in ENDPOINTS.items() if entry.reach_days is None):
        WeAnalysisToBigQueryOperator(
            task_id=f"load_{endpoint}",
            endpoint=endpoint,
            destination_project_dataset_table="{{ var.value.weanalysis_dataset }}.{endpoint}",
            weanalysis_conn_id=APPS,
            gcp_conn_id=None,
            lookback=0,
            on_empty="skip",  # before an app was launched there is nothing
        )
