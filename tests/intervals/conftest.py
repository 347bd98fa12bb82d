"""A live Airflow with the DAGs of the table, and a WeChat server for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pendulum
import pytest

from airflow_provider_wxanalysis.testing import WeChatServer
from tests.conftest import APPS
from tests.intervals.table import BACKFILLS, SCHEDULES, UNSCHEDULED, Loaded, Run
from tests.support.live_airflow import LiveAirflow

DAGS = Path(__file__).with_name("dags.py")


@pytest.fixture(scope="package")
def airflow(live: LiveAirflow) -> Iterator[LiveAirflow]:
    """The live Airflow with every schedule of the table, all of which run side by side."""
    with WeChatServer(published_at=dt.time(0)) as server:
        live.connect("weanalysis_default", server.connection(APPS[0]))
        schedules = (*SCHEDULES, *UNSCHEDULED, *(backfill.schedule for backfill in BACKFILLS))
        live.add_dags(DAGS, [schedule.dag_id for schedule in schedules])
        for backfill in BACKFILLS:
            dates = ("--from-date", backfill.from_date, "--to-date", backfill.to_date)
            live.cli("backfill", "create", "--dag-id", backfill.schedule.dag_id, *dates)
        live.unpause("%")
        yield live


def loaded(airflow: LiveAirflow, run: dict[str, str]) -> Loaded:
    """What a run has loaded, as the table has it."""
    states = {task["task_id"]: task["state"] for task in airflow.tasks(run["dag_id"], run["dag_run_id"])}
    assert set(states.values()) <= {"success", "skipped"}, (run, states)

    def periods(task: str) -> str | None:
        if task not in states:
            return None
        rows = airflow.xcom(run["dag_id"], run["dag_run_id"], task) or []
        found = dict.fromkeys((row["begin_date"], row["end_date"]) for row in rows)
        return " ".join(begin if begin == end else f"{begin}/{end}" for begin, end in found)

    return Loaded(periods("day"), periods("week"), periods("month"))


def timed(airflow: LiveAirflow, run: dict[str, str]) -> Run:
    """When a run was due, and what it has loaded."""
    return Run(f"{due(run):%Y-%m-%d %H:%M}", *loaded(airflow, run))


def due(run: dict[str, str]) -> dt.datetime:
    """When a run was due, in Asia/Shanghai."""
    return pendulum.instance(dt.datetime.fromisoformat(run["run_after"]), tz="UTC").in_timezone("Asia/Shanghai")


def latest(now: dt.datetime) -> Loaded:
    """The day, week and month that ended last."""
    yesterday = now.date() - dt.timedelta(days=1)
    sunday = now.date() - dt.timedelta(days=now.isoweekday())
    month_end = now.date().replace(day=1) - dt.timedelta(days=1)
    return Loaded(
        f"{yesterday}", f"{sunday - dt.timedelta(days=6)}/{sunday}", f"{month_end.replace(day=1)}/{month_end}"
    )
