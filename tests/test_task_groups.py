"""All endpoints in one call."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.task_groups import weanalysis_to_bigquery
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

APPS = ("weanalysis_shop", "weanalysis_magazine")


@pytest.fixture
def group():
    def make(*arguments, **options):
        with DAG("d", schedule=None) as dag:
            weanalysis_to_bigquery(*arguments, **options)
        return dag

    return make


def test_one_app_has_a_task_for_each_endpoint(group):
    dag = group("shop", destination="p.d.{endpoint}", pool="bq_{endpoint}", gcp_conn_id=None, lookback=0)
    assert set(dag.task_dict) == {f"weanalysis_to_bigquery.{name}" for name in ENDPOINTS}
    for name in ENDPOINTS:
        task = dag.get_task(f"weanalysis_to_bigquery.{name}")
        assert isinstance(task, WeAnalysisToBigQueryOperator)
        assert (task.endpoint, task.weanalysis_conn_id, task.pool, task.lookback) == (name, "shop", f"bq_{name}", 0)
        assert [outlet.uri for outlet in task.outlets] == [f"bigquery://p/d/{name}"]


def test_options_go_to_their_own_endpoint(group):
    dag = group("shop", destination="p.d.{endpoint}", endpoint_options={"performance_data": {"modules": ["10022"]}})
    assert len(dag.get_task("weanalysis_to_bigquery.performance_data").entry.selections) == 1


@pytest.mark.parametrize("conn_ids", ["shop", ["shop", "magazine"]])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoints": ["visit_pages"]}, "There is no endpoint 'visit_pages'"),
        ({"destination": "d.{endpoint}"}, "not of the form"),
        ({"destination": "p.d.{app}"}, "only"),
        ({"endpoint_options": {"visit_page": {"modules": []}}}, "takes no endpoint_options"),
    ],
)
def test_mistakes_show_when_the_dag_is_parsed(group, conn_ids, options, message):
    with pytest.raises(ConfigurationError, match=message):
        group(conn_ids, **options)


@pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")
def test_many_apps_for_real(run_dag, dag_file, read, dataset):
    path = dag_file(
        "group",
        f"""
        from airflow_provider_wxanalysis.task_groups import weanalysis_to_bigquery
        daily = ["daily_summary", "visit_page"]
        weanalysis_to_bigquery({APPS}, daily, "{dataset}.{{endpoint}}", gcp_conn_id=None)
        """,
    )
    tasks = [("weanalysis_to_bigquery.daily_summary", n) for n in (0, 1)]
    tasks += [("weanalysis_to_bigquery.visit_page", n) for n in (0, 1)]
    assert run_dag(path) == dict.fromkeys(tasks, "success")
    labels = {ti.rendered_map_index for ti in run_dag.latest.get_task_instances()}
    assert labels == {f"{app} {name}" for app in APPS for name in ("daily_summary", "visit_page")}
    assert len({row["appid"] for row in read(f"{dataset}.visit_page")}) == 2
