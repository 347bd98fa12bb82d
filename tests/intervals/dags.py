"""A DAG for each schedule of the table, with a task for each kind of period."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pendulum
from airflow.sdk import DAG, Asset
from airflow.timetables import interval, trigger
from dateutil.relativedelta import relativedelta

from airflow_provider_wxanalysis.operators.weanalysis import WeAnalysisOperator
from tests.intervals.table import BACKFILLS, SCHEDULES, UNSCHEDULED, Schedule

#: What schedules are made of.
NAMES = {**vars(interval), **vars(trigger), "Asset": Asset, "relativedelta": relativedelta, "timedelta": timedelta}


def moment(text: str) -> datetime:
    return pendulum.instance(datetime.fromisoformat(text), tz="Asia/Shanghai")


def dag(schedule: Schedule) -> DAG:
    # Read when a DAG is made, in the process that parses its file.
    os.environ["AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS"] = str(schedule.cron_data_intervals)
    return DAG(
        dag_id=schedule.dag_id,
        schedule=eval(schedule.timetable, NAMES),
        start_date=moment(schedule.start),
        end_date=moment(schedule.end) if schedule.end else None,
        catchup=schedule.catchup,
    )


for schedule in (*SCHEDULES, *UNSCHEDULED, *(backfill.schedule for backfill in BACKFILLS)):
    with dag(schedule):
        WeAnalysisOperator(task_id="day", endpoint="daily_visit_trend")
        WeAnalysisOperator(task_id="week", endpoint="weekly_visit_trend")
        WeAnalysisOperator(task_id="month", endpoint="monthly_visit_trend")
