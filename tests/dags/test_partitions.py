"""The example of partitions, on a live Airflow: days arrive one by one, and the seventh brings the week."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_provider_wxanalysis.testing import WeChatServer
from tests.conftest import APPS
from tests.support.servers import REPOSITORY

EXAMPLE = REPOSITORY / "example_dags" / "weanalysis_partitions.py"
WEEK = [f"2026-03-{day:02}" for day in range(2, 9)]


@pytest.fixture
def airflow(live, dataset, tmp_path):
    """A live Airflow with the example, which loads into the test's dataset."""
    path = tmp_path / EXAMPLE.name
    # Unpaused, the DAG loads yesterday too, and local-bigquery refuses two creations of a table at one moment.
    wait = '"wait_timeout": 18 * 3600'
    text = EXAMPLE.read_text().replace(wait, f'{wait}, "retries": 3, "retry_delay": 1.0')
    path.write_text(text.replace("my-project.wechat", dataset))
    with WeChatServer(published_at=dt.time(0)) as server:
        live.connect("weanalysis_default", server.connection(APPS[0]))
        live.add_dags(path, ["weanalysis_days", "weanalysis_weeks"])
        live.unpause("weanalysis_%")
        yield live
        live.api("PATCH", "dags", {"is_paused": True}, update_mask="is_paused", dag_id_pattern="weanalysis_%")


def test_seven_days_make_a_week(airflow, read, dataset):
    for day in WEEK:
        run_id = airflow.trigger("weanalysis_days", partition_key=day)
        run = airflow.finished_run("weanalysis_days", run_id)
        assert run["state"] == "success"
    (run,) = airflow.finished_runs("weanalysis_weeks")
    assert (run["partition_key"], run["state"]) == (WEEK[0], "success")
    assert set(WEEK) <= {row["begin_date"] for row in read(f"{dataset}.daily_visit_trend")}
    (week,) = read(f"{dataset}.weekly_visit_trend")
    assert (week["begin_date"], week["end_date"]) == (WEEK[0], WEEK[-1])
