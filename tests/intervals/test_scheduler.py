"""The runs that the scheduler makes load what the table says."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest

from tests.intervals.conftest import due, loaded, timed
from tests.intervals.table import SCHEDULES


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.dag_id)
def test_scheduled_runs(airflow, schedule):
    runs = airflow.finished_runs(schedule.dag_id, len(schedule.runs))
    assert {run["run_type"] for run in runs} == {"scheduled"}
    assert tuple(timed(airflow, run) for run in runs) == schedule.runs


def test_runs_with_intervals_leave_no_gap():
    """As the table has it; the test above says that the table is right."""
    for schedule in SCHEDULES:
        if "interval" in schedule.dag_id or "months" in schedule.dag_id:
            days = sorted({dt.date.fromisoformat(day) for run in schedule.runs for day in (run.day or "").split()})
            assert {after - before for before, after in pairwise(days)} == {dt.timedelta(days=1)}, schedule.dag_id


def test_without_catchup_there_is_one_run_for_the_latest_tick(airflow):
    runs = [run for run in airflow.finished_runs("no_catchup") if run["run_type"] == "scheduled"]
    assert [loaded(airflow, run).day for run in runs] == [f"{due(runs[0]).date() - dt.timedelta(days=1)}"]


def test_the_partition_of_a_day_that_still_runs_is_an_error(airflow):
    run = airflow.finished_runs("partition_of_today")[0]
    states = {task["task_id"]: task["state"] for task in airflow.tasks("partition_of_today", run["dag_run_id"])}
    assert states == {"day": "failed", "week": "skipped", "month": "skipped"}
    log = airflow.task_log("partition_of_today", run["dag_run_id"], "day")
    assert "needs run_offset=-1 to stand for the day before" in log
