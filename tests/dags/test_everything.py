"""The DAG that does everything, run by a real Airflow: a deleted day and an app that came late are healed in it."""

from __future__ import annotations

import pytest

from tests.conftest import APPS
from tests.support.servers import REPOSITORY

pytestmark = pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")


def test_everything_every_morning(run_dag, bq, read, dataset):
    since = run_dag.today.subtract(days=4).to_date_string()
    states = run_dag(REPOSITORY / "example_dags/weanalysis_everything.py", run_conf={"since": since})
    assert set(states.values()) <= {"success", "skipped"}
    for task in ("weanalysis_heal.coverage", "views", "quality"):
        assert states[task, -1] == "success"
    days = {(row["appid"], row["begin_date"]) for row in read(f"{dataset}.daily_summary")}
    # The last day is the daily load's; before 15:00 healing leaves it to that.
    assert days == {(appid, run_dag.today.subtract(days=n).to_date_string()) for appid in APPS for n in (1, 2, 3, 4)}
    rows = bq.query_and_wait(f"SELECT DISTINCT state FROM `{dataset}.report_coverage` WHERE endpoint = 'daily_summary'")
    assert {row["state"] for row in rows} == {"loaded"}
