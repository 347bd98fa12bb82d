"""``weanalysis_heal`` in DAGs: parsed, and run by a real Airflow."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.task_groups import weanalysis_heal
from airflow_provider_wxanalysis.testing import faults

APPS = ("weanalysis_shop", "weanalysis_magazine")


@pytest.fixture
def group():
    def make(*arguments, **options):
        with DAG("d", schedule=None) as dag:
            weanalysis_heal(*arguments, **{"since": "2026-01-01", **options})
        return dag

    return make


def test_coverage_and_a_mapped_load(group):
    dag = group(APPS, ["visit_page"], "p.d.{endpoint}", gcp_conn_id=None, labels={"team": "growth"}, pool="bq", limit=7)
    coverage, load = dag.get_task("weanalysis_heal.coverage"), dag.get_task("weanalysis_heal.load")
    assert isinstance(coverage, WeAnalysisCoverageOperator)
    assert (coverage.limit, coverage.labels, coverage.gcp_conn_id) == (7, {"team": "growth"}, None)
    assert coverage.trigger_rule == "all_done", "loads before it may fail, or skip"
    assert load.partial_kwargs["lookback"] == 0
    assert load.partial_kwargs["pool"] == "bq"
    assert coverage.downstream_task_ids == {"weanalysis_heal.load"}


def test_a_lone_endpoint(group):
    coverage = group(APPS, "visit_page", "p.d.{endpoint}").get_task("weanalysis_heal.coverage")
    assert list(coverage.endpoints) == ["visit_page"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoints": ["visit_pages"]}, "There is no endpoint 'visit_pages'"),
        ({"destination": "d.{endpoint}"}, "not of the form"),
        ({"since": "soon"}, "YYYY-MM-DD"),
        ({"limit": 0}, "limit must be"),
    ],
)
def test_mistakes_show_when_the_dag_is_parsed(group, options, message):
    with pytest.raises(ConfigurationError, match=message):
        group(APPS, **options)


@pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")
def test_loads_then_heals_and_then_has_nothing_to_do(run_dag, dag_file, read, dataset, wechat_server):
    since = run_dag.today.subtract(days=6).to_date_string()
    path = dag_file(
        "heal",
        f"""
        from datetime import timedelta
        from airflow_provider_wxanalysis.task_groups import weanalysis_heal, weanalysis_to_bigquery
        where = dict(destination="{dataset}.{{endpoint}}", gcp_conn_id=None, empty_is_ready_after=timedelta(0))
        loads = weanalysis_to_bigquery({APPS}, ["daily_summary", "weekly_visit_trend"], **where)
        loads >> weanalysis_heal({APPS}, ["daily_summary"], since="{since}", **where)
        """,
    )
    states = run_dag(path)
    assert states["weanalysis_heal.coverage", -1] == "success"
    assert states["weanalysis_heal.load", 0] == "success"
    assert {row["begin_date"] for row in read(f"{dataset}.daily_summary")} == {
        run_dag.today.subtract(days=days).to_date_string() for days in range(1, 7)
    }
    calls = len(wechat_server.calls)
    states = run_dag(path, run_dag.today.subtract(days=1))
    assert states["weanalysis_heal.coverage", -1] == "success"
    assert {state for (task, _), state in states.items() if task == "weanalysis_heal.load"} == {"skipped"}
    assert len([c for c in wechat_server.calls[calls:] if c.endpoint == "daily_summary"]) == 2, "the daily load's own"


@pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")
def test_a_failure_of_healing_does_not_touch_the_loads_nor_theirs_healing(
    run_dag, dag_file, read, dataset, wechat_server
):
    """One app is refused for good: its daily load fails, healing still runs, and the other app is whole."""
    from tests.conftest import APPS as APPIDS

    since = run_dag.today.subtract(days=3).to_date_string()
    wechat_server.faults.add(faults.errcode(48001), endpoint="daily_summary", times=None, appid=APPIDS[1])
    path = dag_file(
        "heal_one",
        f"""
        from datetime import timedelta
        from airflow_provider_wxanalysis.task_groups import weanalysis_heal, weanalysis_to_bigquery
        where = dict(destination="{dataset}.{{endpoint}}", gcp_conn_id=None, empty_is_ready_after=timedelta(0))
        loads = weanalysis_to_bigquery({APPS}, ["daily_summary"], **where)
        loads >> weanalysis_heal({APPS}, ["daily_summary"], since="{since}", **where)
        """,
    )
    states = run_dag(path)
    assert "failed" in {state for (task, _), state in states.items() if task == "weanalysis_to_bigquery.daily_summary"}
    assert states["weanalysis_heal.coverage", -1] == "success"
    assert len({row["begin_date"] for row in read(f"{dataset}.daily_summary") if row["appid"] == APPIDS[0]}) == 3
