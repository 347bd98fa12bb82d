"""Runs that people, assets and backfills make load what the table says."""

from __future__ import annotations

import pendulum
import pytest

from tests.intervals.conftest import due, latest, loaded, timed
from tests.intervals.table import BACKFILLS, TRIGGERED


@pytest.fixture(scope="module")
def triggered(airflow):
    """All of them at once, so that they run side by side."""
    return [airflow.trigger(dag_id, **body) for dag_id, body, _ in TRIGGERED]


@pytest.mark.parametrize("number", range(len(TRIGGERED)), ids=[f"{dag_id} {body}" for dag_id, body, _ in TRIGGERED])
def test_by_hand(airflow, triggered, number):
    dag_id, _, expected = TRIGGERED[number]
    run = airflow.finished_run(dag_id, triggered[number])
    assert run["run_type"] == "manual"
    assert loaded(airflow, run) == (expected or latest(due(run)))


def test_by_hand_with_the_date_the_form_proposes(airflow):
    run_id = airflow.trigger("by_hand", logical_date=pendulum.now("UTC").isoformat())
    run = airflow.finished_run("by_hand", run_id)
    assert loaded(airflow, run) == latest(due(run))


def test_by_an_asset(airflow):
    (asset,) = airflow.api("GET", "assets", name_pattern="weanalysis_intervals")["assets"]
    airflow.api("POST", "assets/events", {"asset_id": asset["id"]})
    (run,) = airflow.finished_runs("by_asset")
    assert (run["run_type"], run["logical_date"], run["data_interval_end"]) == ("asset_triggered", None, None)
    assert loaded(airflow, run) == latest(due(run))


@pytest.mark.parametrize("backfill", BACKFILLS, ids=lambda backfill: backfill.schedule.dag_id)
def test_backfill(airflow, backfill):
    runs = airflow.finished_runs(backfill.schedule.dag_id, len(backfill.runs))
    assert {run["run_type"] for run in runs} == {"backfill"}
    assert tuple(timed(airflow, run) for run in runs) == backfill.runs
