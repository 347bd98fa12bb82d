"""The DAGs of the docs, run as they are printed."""

from __future__ import annotations

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.conftest import APPS
from tests.support.docs import PAGES, dag_snippets, snippets

pytestmark = pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")
SNIPPETS = dag_snippets()


@pytest.fixture
def docs_dag(run_dag, tmp_path, dataset, wechat_server, connect):
    """Run a DAG of the docs; what it says of the past begins two days earlier."""

    def days_ago(count):
        return run_dag.today.subtract(days=count).to_date_string()

    def run(dag_id):
        for number, appid in enumerate(APPS):
            connect(wechat_server, appid, f"weanalysis_app_{number:03}")
        path = tmp_path / "docs.py"
        text = SNIPPETS[dag_id].replace("my-project.wechat", dataset)
        path.write_text(text.replace('since="2026-03-01"', f'since="{days_ago(3)}"'))
        return run_dag(path, dag_id=dag_id)

    return run


def test_the_first_dag(docs_dag, run_dag, read, dataset):
    assert set(docs_dag("wechat_visits").values()) == {"success"}
    past = {run_dag.today.subtract(days=count).to_date_string() for count in (2, 3)}
    for endpoint in ("daily_visit_trend", "daily_retain", "visit_page"):
        assert {row["begin_date"] for row in read(f"{dataset}.{endpoint}")} >= past
    assert len({row["begin_date"] for row in read(f"{dataset}.daily_retain")}) == 10


def test_retention(docs_dag):
    assert docs_dag("wechat_retention") == {("daily_retain", -1): "success"}


def test_many_apps(docs_dag, read, dataset):
    states = docs_dag("wechat_all")
    assert len(states) == 2 * len(ENDPOINTS)
    assert set(states.values()) <= {"success", "skipped"}
    assert {row["appid"] for row in read(f"{dataset}.visit_page")} == set(APPS)


def test_batches(docs_dag, read, dataset):
    assert set(docs_dag("wechat_batches").values()) == {"success"}
    assert {row["appid"] for row in read(f"{dataset}.daily_summary")} == set(APPS)


def test_an_alias(docs_dag):
    assert docs_dag("wechat_alias") == {("load", 0): "success", ("load", 1): "success"}


def test_coverage_and_healing(docs_dag, run_dag, read, dataset):
    assert set(docs_dag("wechat_complete").values()) <= {"success", "skipped"}
    past = {run_dag.today.subtract(days=count).to_date_string() for count in (2, 3)}
    assert {row["begin_date"] for row in read(f"{dataset}.daily_summary")} >= past


@pytest.mark.parametrize("dag_id", ["wechat_coverage", "wechat_views"])
def test_reports(docs_dag, dag_id):
    assert set(docs_dag(dag_id).values()) <= {"success", "skipped"}


def test_every_dag_is_tested_here():
    tested = {"wechat_visits", "wechat_retention", "wechat_all", "wechat_batches", "wechat_alias", "wechat_complete"}
    assert set(SNIPPETS) == {*tested, "wechat_coverage", "wechat_views"}


@pytest.mark.parametrize("name", PAGES["en"])
def test_both_languages_show_the_same_code(name):
    """So that what runs here is what Chinese readers copy; comments may differ."""
    english, chinese = snippets(PAGES["en"][name]), snippets(PAGES["zh-CN"][name])
    assert [code.split("#")[0] for code in english] == [code.split("#")[0] for code in chinese]
