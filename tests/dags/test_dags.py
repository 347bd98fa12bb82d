"""Real Airflow runs: DAG files in a DAGs folder, run by ``dag.test()`` against both servers."""

from __future__ import annotations

import pendulum
import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import DAY, MONTH, SHANGHAI, WEEK
from airflow_provider_wxanalysis.testing import faults
from tests.conftest import APPS
from tests.operators.test_weanalysis import subclasses as operator_classes
from tests.support.dags import dag_bag
from tests.support.servers import REPOSITORY

# Airflow and what it is made of warn about each other; only what this package does is our business here.
pytestmark = pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")

DATES = {
    DAY: "",
    WEEK: ", from_date='2026-03-02', to_date='20260315'",
    MONTH: ", from_date='2026-02-01', to_date='2026-02-28'",
}
EXAMPLES = sorted((REPOSITORY / "example_dags").glob("*.py"))


def test_quickstart(run_dag, wechat_server):
    assert run_dag(REPOSITORY / "example_dags/weanalysis_quickstart.py") == {("visits", -1): "success"}
    (call,) = [call for call in wechat_server.calls if call.endpoint == "daily_visit_trend"]
    assert call.body["begin_date"] == f"{run_dag.today.subtract(days=1):%Y%m%d}"


def test_to_bigquery(run_dag, read, dataset):
    states = run_dag(REPOSITORY / "example_dags/weanalysis_to_bigquery.py")
    due = {name for name, entry in ENDPOINTS.items() if entry.window.ending(run_dag.today.subtract(days=1).date())}
    assert {task for (task, _), state in states.items() if state == "success"} == {
        f"{step}_{name}" for name in due for step in ("wait_for", "load")
    }
    assert {state for (task, _), state in states.items() if task.split("_", 1)[1] not in due} <= {"success", "skipped"}
    assert all(read(f"{dataset}.{name}") for name in due)


def test_many_apps(run_dag, read, dataset):
    states = run_dag(REPOSITORY / "example_dags/weanalysis_many_apps.py")
    names = ("daily_summary", "daily_visit_trend", "daily_retain", "visit_page")
    assert states == {(f"weanalysis_to_bigquery.{name}", 0): "success" for name in names}, "both apps in one task each"
    assert {row["appid"] for row in read(f"{dataset}.daily_summary")} == set(APPS)


def test_many_apps_with_dates_given_by_hand(run_dag, read, dataset):
    dates = {"from_date": "2026-03-01", "to_date": "2026-03-14"}
    run_dag(REPOSITORY / "example_dags/weanalysis_many_apps.py", run_conf=dates)
    rows = read(f"{dataset}.daily_visit_trend")
    days = [f"2026-03-{day:02}" for day in range(1, 15)]
    assert [(row["appid"], row["begin_date"]) for row in rows] == [(appid, day) for appid in APPS for day in days]


def test_history(run_dag, read, dataset):
    states = run_dag(REPOSITORY / "example_dags/weanalysis_history.py", pendulum.datetime(2026, 3, 2, tz=SHANGHAI))
    assert set(states.values()) == {"success"}
    assert len(read(f"{dataset}.daily_visit_trend")) == 28 * 2
    weeks = {(row["begin_date"], row["end_date"]) for row in read(f"{dataset}.weekly_visit_trend")}
    assert weeks == {
        ("2026-01-26", "2026-02-01"), ("2026-02-02", "2026-02-08"), ("2026-02-09", "2026-02-15"),
        ("2026-02-16", "2026-02-22"),
    }  # fmt: skip
    assert {row["begin_date"] for row in read(f"{dataset}.monthly_visit_trend")} == {"2026-02-01"}


def test_every_example_is_tested():
    """Here, except two: ``test_partitions``, which takes a scheduler, and ``test_everything``."""
    here = ("quickstart", "to_bigquery", "many_apps", "history")
    assert {path.stem for path in EXAMPLES} == {f"weanalysis_{name}" for name in (*here, "partitions", "everything")}


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_the_sensor_waits_in_a_real_run(run_dag, dag_file, wechat_server, mode):
    wechat_server.faults.add(faults.errcode(61503), times=2)
    path = dag_file(
        f"sensor_{mode}",
        f"""
        often = {{"mode": "{mode}", "poke_interval": 1, "timeout": 60}}
        wait = WeAnalysisDataSensor(task_id="wait", endpoint="daily_summary", **often)
        wait >> WeAnalysisDailySummaryOperator(task_id="fetch")
        """,
    )
    assert run_dag(path) == {("wait", -1): "success", ("fetch", -1): "success"}
    assert wechat_server.count("daily_summary") == 4
    assert wechat_server.count("token") == 4, "nothing is kept between two looks, in either mode"


def test_every_operator_returns_its_rows(run_dag, dag_file):
    lines = [
        f"{cls.__name__}(task_id='{cls.__name__}'{dates})"
        for cls in operator_classes()
        for dates in [DATES[ENDPOINTS[cls(task_id="t").endpoint].window]]
    ]
    lines.append("for days in (7, 30):")
    lines.append("    WeAnalysisUserPortraitOperator(task_id=f'portrait_{days}', window_days=days)")
    states = run_dag(dag_file("operators", "\n".join(lines)))
    assert len(states) == len(ENDPOINTS)
    assert set(states.values()) == {"success"}


def test_what_no_retry_mends_is_not_retried(run_dag, dag_file, wechat_server):
    wechat_server.faults.add(faults.errcode(48001), times=None)
    path = dag_file(
        "final",
        """
        WeAnalysisToBigQueryOperator(
            task_id="load",
            endpoint="daily_summary",
            destination_project_dataset_table="{{ var.value.weanalysis_dataset }}.t",
            gcp_conn_id=None,
            retries=3,
        )
        """,
    )
    assert run_dag(path) == {("load", -1): "failed"}
    assert wechat_server.count("daily_summary") == 1


def test_a_dag_with_a_wrong_literal_does_not_parse(dag_file):
    path = dag_file(
        "wrong", "WeAnalysisDailySummaryOperator(task_id='t', from_date='2026-13-01', to_date='2026-13-01')"
    )
    (error,) = dag_bag(path).import_errors.values()
    assert "must be a day of the calendar, got '2026-13-01'" in error
