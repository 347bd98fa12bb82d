"""The smallest DAG: yesterday's visits of one mini program, returned as rows.

Needs a connection ``weanalysis_default`` with AppID and AppSecret.
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_wxanalysis.operators.weanalysis import WeAnalysisDailyVisitTrendOperator

with DAG(
    dag_id="weanalysis_quickstart",
    # WeChat publishes a day's figures between 8:00 and 10:00 on the next, now and then later.
    schedule=CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    tags=["weanalysis"],
):
    WeAnalysisDailyVisitTrendOperator(task_id="visits")
