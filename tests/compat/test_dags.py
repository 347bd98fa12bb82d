"""DAG files on this version of Airflow: the examples parse, and a run loads what WeChat served."""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pendulum
import pytest
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException
from packaging.version import Version

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import DAY, SHANGHAI
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS, HOME, in_order, run_context
from tests.support.dags import dag_bag, run_dag_file, task_states
from tests.support.servers import REPOSITORY
from tests.transfers.test_round_trip import served

DAGS = Path(__file__).parent / "dags"
DAG_FILE = DAGS / "weanalysis_compat.py"
EXAMPLES = sorted((REPOSITORY / "example_dags").glob("*.py"))
#: Examples of what only later versions can do.
SINCE = {"weanalysis_partitions": "3.3"}
GOOGLE = find_spec("airflow.providers.google") is not None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_parse(path):
    if Version(version("apache-airflow")) < Version(SINCE.get(path.stem, "0")):
        pytest.skip(f"needs Airflow {SINCE[path.stem]}")
    bag = dag_bag(path)
    assert bag.import_errors == {}
    assert bag.dags


@pytest.fixture
def two_apps(wechat_server, connect, dataset, monkeypatch):
    """Connections and a Variable, as DAG_FILE wants them."""
    connect(wechat_server, APPS[0], "weanalysis_shop", app_name="小店")
    connect(wechat_server, APPS[1], "weanalysis_magazine")
    monkeypatch.setenv("AIRFLOW_VAR_WEANALYSIS_DATASET", dataset)


def check_run(path, server, rows):
    """Run DAG_FILE, or what was made of it, and compare what it loaded with what was served."""
    tonight = pendulum.now(SHANGHAI).at(23)
    run = run_dag_file(path, HOME / "dags", tonight)
    labels = {ti.rendered_map_index for ti in run.get_task_instances() if ti.task_id == "load"}
    assert labels == {"小店 daily_visit_trend", "weanalysis_magazine daily_visit_trend"}
    states = task_states(run)
    assert states == dict.fromkeys([("published", -1), ("load", 0), ("load", 1), ("fetch", -1)], "success")

    period = DAY.latest(tonight.subtract(days=1).date())
    expected = [row for appid in APPS for row in served(server, ENDPOINTS["daily_visit_trend"], appid, period)]
    assert {row["begin_date"] for row in expected} == {period.begin_date.isoformat()}
    assert rows() == in_order(expected)


@pytest.mark.usefixtures("two_apps")
def test_a_run(wechat_server, dataset, read):
    check_run(DAG_FILE, wechat_server, lambda: read(f"{dataset}.daily_visit_trend"))


@pytest.mark.usefixtures("two_apps")
def test_healing(wechat_server, dataset, read):
    """One of the days before yesterday was loaded; the two others are two gaps, each of both apps."""
    tonight = pendulum.now(SHANGHAI).at(23)
    states = task_states(run_dag_file(DAGS / "weanalysis_healing.py", HOME / "dags", tonight))
    healed = {name: state for name, state in states.items() if name[0] == "weanalysis_heal.load"}
    assert states["load", -1] == states["weanalysis_heal.coverage", -1] == "success"
    assert set(healed.values()) == {"success"}
    days = [tonight.subtract(days=count).date() for count in (2, 3, 4)]
    expected = [
        row
        for day in days
        for appid in APPS
        for row in served(wechat_server, ENDPOINTS["daily_visit_trend"], appid, DAY.latest(day))
    ]
    rows = [row for row in read(f"{dataset}.daily_visit_trend") if row["begin_date"] <= f"{days[0]}"]
    assert rows == in_order(expected)


@pytest.mark.usefixtures("two_apps")
@pytest.mark.skipif(not GOOGLE, reason="needs the Google provider")
def test_a_run_through_a_google_connection(wechat_server, dataset, read, proxy, monkeypatch, tmp_path):
    connection = {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": "billing-project"}}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
    path = tmp_path / DAG_FILE.name
    path.write_text(DAG_FILE.read_text().replace("gcp_conn_id=None", "gcp_conn_id='google_cloud_default'"))

    check_run(path, wechat_server, lambda: read(f"{dataset}.daily_visit_trend"))
    merges = proxy.statements("MERGE")
    assert len(merges) == len(APPS)
    assert all("/projects/billing-project/" in merge.path for merge in merges), "the connection says who pays"


@pytest.mark.skipif(GOOGLE, reason="the Google provider is there")
def test_a_google_connection_without_the_google_provider(wechat_server, connect):
    hour = pendulum.now(SHANGHAI).at(10)
    task = WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint="daily_summary",
        destination_project_dataset_table="project.dataset.table",
        weanalysis_conn_id=connect(wechat_server),
        gcp_conn_id="google_cloud_default",
    )
    with pytest.raises(
        AirflowOptionalProviderFeatureException, match=r"pip install 'airflow-provider-wxanalysis\[google\]'"
    ):
        task.execute(run_context(hour.subtract(days=1), hour))
