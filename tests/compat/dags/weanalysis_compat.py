"""What must run on every version of Airflow: sensor, operator, and a transfer mapped over two apps."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.operators.weanalysis import WeAnalysisVisitDistributionOperator
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

with DAG(
    dag_id="weanalysis_compat",
    schedule=CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
):
    published = WeAnalysisDataSensor(
        task_id="published", endpoint="daily_visit_trend", weanalysis_conn_id="weanalysis_shop", poke_interval=1
    )
    load = WeAnalysisToBigQueryOperator.partial(
        task_id="load",
        endpoint="daily_visit_trend",
        destination_project_dataset_table="{{ var.value.weanalysis_dataset }}.{endpoint}",
        gcp_conn_id=None,
    ).expand(weanalysis_conn_id=["weanalysis_shop", "weanalysis_magazine"])
    fetch = WeAnalysisVisitDistributionOperator(task_id="fetch", weanalysis_conn_id="weanalysis_shop")
    published >> load >> fetch
