"""What must run on every version of Airflow: gaps of two apps, found by one task and loaded by mapped ones."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.task_groups import weanalysis_heal
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

TABLE = "{{ var.value.weanalysis_dataset }}.{endpoint}"

with DAG(
    dag_id="weanalysis_healing",
    schedule=CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
):
    load = WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint="daily_visit_trend",
        weanalysis_conn_id=["weanalysis_shop", "weanalysis_magazine"],
        destination_project_dataset_table=TABLE,
        from_date="{{ macros.ds_add(ds, -2) }}",
        to_date="{{ macros.ds_add(ds, -2) }}",
        gcp_conn_id=None,
    )
    load >> weanalysis_heal(
        ["weanalysis_shop", "weanalysis_magazine"],
        ["daily_visit_trend"],
        TABLE,
        since="{{ macros.ds_add(ds, -4) }}",
        gcp_conn_id=None,
    )
