"""All endpoints in one call."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import DAG, Asset, task

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


def load(dag, name="daily_summary"):
    return dag.get_task(f"weanalysis_to_bigquery.{name}")


def mapped_over(dag, name="daily_summary"):
    """What a mapped task is mapped over."""
    return load(dag, name).expand_input.value


def test_one_app_has_a_task_for_each_endpoint(group):
    dag = group("shop", destination="p.d.{endpoint}", pool="bq_{endpoint}", gcp_conn_id=None, lookback=0)
    assert set(dag.task_dict) == {f"weanalysis_to_bigquery.{name}" for name in ENDPOINTS}
    for name in ENDPOINTS:
        task = load(dag, name)
        assert isinstance(task, WeAnalysisToBigQueryOperator)
        assert (task.endpoint, task.weanalysis_conn_id, task.pool, task.lookback) == (name, "shop", f"bq_{name}", 0)
        assert [outlet.uri for outlet in task.outlets] == [f"bigquery://p/d/{name}"]
        assert task.task_display_name == f"{name} {ENDPOINTS[name].zh}"


def test_apps_share_tasks(group):
    apps = [f"app_{number}" for number in range(5)]
    assert mapped_over(group(apps)) == {"weanalysis_conn_id": apps}
    assert mapped_over(group(apps, apps_per_task=2)) == {"weanalysis_conn_id": [apps[:2], apps[2:4], apps[4:]]}
    assert mapped_over(group(tuple(apps), apps_per_task=50)) == {"weanalysis_conn_id": [apps]}


def test_apps_behind_one_connection(group):
    appids = [f"wx{number:016}" for number in range(3)]
    dag = group("company", appids=appids, apps_per_task=2)
    assert mapped_over(dag) == {"appids": [appids[:2], appids[2:]]}
    assert load(dag).partial_kwargs["weanalysis_conn_id"] == "company"


def test_apps_that_another_task_returns():
    with DAG("d", schedule=None) as dag:

        @task
        def apps():
            return [["shop", "magazine"], ["games"]]

        weanalysis_to_bigquery(apps(), ["daily_summary"], destination="p.d.{endpoint}")
    assert load(dag).upstream_task_ids == {"apps"}


def test_the_table_of_mapped_tasks_is_an_outlet(group):
    def uris(dag):
        return [outlet.uri for outlet in load(dag).outlets]

    assert uris(group(["shop", "magazine"], destination="p.d.{endpoint}")) == ["bigquery://p/d/daily_summary"]
    assert uris(group(["shop", "magazine"], destination="p.d.{endpoint}_{appid}")) == []
    assert uris(group(["shop", "magazine"])) == []
    own = Asset("summary", uri="bigquery://p/d/daily_summary")
    assert load(group(["shop"], ["daily_summary"], destination="p.d.{endpoint}", outlets=[own])).outlets == [own]


@pytest.mark.parametrize("conn_ids", ["shop", ["shop"]])
@pytest.mark.parametrize(
    ("given", "uris"),
    [
        (None, []),
        (Asset("bigquery://p/d/other"), ["bigquery://p/d/other"]),
        ((Asset("bigquery://p/d/other"),), ["bigquery://p/d/other"]),
    ],
    ids=["none", "one alone", "a tuple"],
)
def test_outlets_are_given_as_to_an_operator(group, conn_ids, given, uris):
    dag = group(conn_ids, ["daily_summary"], destination="p.d.{endpoint}", outlets=given)
    assert [outlet.uri for outlet in load(dag).outlets] == [*uris, "bigquery://p/d/daily_summary"]


def test_a_mapped_load_takes_one_outlet_alone():
    """Airflow itself keeps it as it is, and then cannot store the DAG."""
    asset = Asset("bigquery://p/d/other")
    with DAG("d", schedule=None) as dag:
        shared = WeAnalysisToBigQueryOperator.partial(task_id="t", endpoint="daily_summary", outlets=asset)
        shared.expand(destination_project_dataset_table=["p.d.t"])
    assert dag.get_task("t").outlets == [asset]


def test_options_go_to_their_own_endpoint(group):
    dag = group("shop", destination="p.d.{endpoint}", endpoint_options={"performance_data": {"modules": ["10022"]}})
    assert len(load(dag, "performance_data").entry.selections) == 1


@pytest.mark.parametrize("conn_ids", ["shop", ["shop", "magazine"]])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoints": ["visit_pages"]}, "There is no endpoint 'visit_pages'"),
        ({"destination": "d.{endpoint}"}, "not of the form"),
        ({"destination": "p.d.{app}"}, "only"),
        ({"endpoint_options": {"visit_page": {"modules": []}}}, "takes no endpoint_options"),
        ({"endpoint_options": {"perfomance_data": {"modules": []}}}, "endpoint_options .*, got 'perfomance_data'"),
        ({"on_empty": "skipp"}, "on_empty must be one of fail, skip, replace, got 'skipp'"),
        ({"lookback": -1}, "lookback"),
        ({"poll_interval": "x"}, "poll_interval"),
        ({"from_date": "2026-13-01", "to_date": "2026-13-01"}, "2026-13-01"),
        ({"labels": {"team": "Data Eng"}}, r"labels\['team'\]"),
        ({"max_requests_in_flight": 0}, "max_requests_in_flight"),
        ({"apps_per_task": 0}, "apps_per_task must be a whole number from 1 on, got 0"),
    ],
)
def test_mistakes_show_when_the_dag_is_parsed(group, conn_ids, options, message):
    with pytest.raises(ConfigurationError, match=message):
        group(conn_ids, **options)


def test_no_apps_are_a_mistake(group):
    with pytest.raises(ConfigurationError, match="at least one app"):
        group([])


@pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")
@pytest.mark.parametrize(("apps_per_task", "indexes"), [(1, (0, 1)), (2, (0,))])
def test_many_apps_for_real(run_dag, dag_file, read, dataset, apps_per_task, indexes):
    path = dag_file(
        "group",
        f"""
        from airflow_provider_wxanalysis.task_groups import weanalysis_to_bigquery
        daily = ["daily_summary", "visit_page"]
        options = {{"gcp_conn_id": None, "apps_per_task": {apps_per_task}}}
        weanalysis_to_bigquery({APPS}, daily, "{dataset}.{{endpoint}}", **options)
        """,
    )
    names = ("daily_summary", "visit_page")
    tasks = [(f"weanalysis_to_bigquery.{name}", number) for name in names for number in indexes]
    assert run_dag(path) == dict.fromkeys(tasks, "success")
    labels = {ti.rendered_map_index for ti in run_dag.latest.get_task_instances()}
    apps = APPS if apps_per_task == 1 else (", ".join(APPS),)
    assert labels == {f"{app} {name}" for app in apps for name in names}
    assert len({row["appid"] for row in read(f"{dataset}.visit_page")}) == 2
