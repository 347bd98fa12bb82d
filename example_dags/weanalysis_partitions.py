"""Days that roll up into weeks: when all seven days of a week are loaded, so is the week. For Airflow 3.3 and later.

The first DAG's runs are days, by partition key. Its load has the table as outlet, and each event carries the run's key.
The second DAG runs once for each week of which all days have arrived. It asks WeChat for the week, since a week's
visitors are not the sum of its days'.

Needs a connection ``weanalysis_default``. Only a table that is spelled out is an outlet, so write your own project and
dataset here.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import (
    DAG,
    Asset,
    CronPartitionTimetable,
    PartitionedAssetTimetable,
    RollupMapper,
    StartOfWeekMapper,
    WeekWindow,
)

from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

DATASET = "my-project.wechat"
BEIJING = "Asia/Shanghai"
DAYS = Asset(f"bigquery://{DATASET.replace('.', '/')}/daily_visit_trend")
#: At midnight nothing is published: the load waits in the triggerer until the morning.
LOAD = {
    "destination_project_dataset_table": f"{DATASET}.{{endpoint}}",
    "gcp_conn_id": None,
    "deferrable": True,
    "wait_timeout": 18 * 3600,
}

with DAG(
    dag_id="weanalysis_days",
    schedule=CronPartitionTimetable("0 0 * * *", timezone=BEIJING, run_offset=-1, key_format="%Y-%m-%d"),
    start_date=pendulum.datetime(2026, 1, 1, tz=BEIJING),
    catchup=False,
    tags=["weanalysis"],
):
    WeAnalysisToBigQueryOperator(task_id="load", endpoint="daily_visit_trend", **LOAD)

with DAG(
    dag_id="weanalysis_weeks",
    schedule=PartitionedAssetTimetable(
        assets=DAYS,
        default_partition_mapper=RollupMapper(
            upstream_mapper=StartOfWeekMapper(timezone=BEIJING, input_format="%Y-%m-%d", output_format="%Y-%m-%d"),
            window=WeekWindow(),
        ),
    ),
    start_date=pendulum.datetime(2026, 1, 1, tz=BEIJING),
    tags=["weanalysis"],
):
    WeAnalysisToBigQueryOperator(task_id="load", endpoint="weekly_visit_trend", **LOAD)
