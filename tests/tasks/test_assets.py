"""What Airflow learns of a changed table: outlets, events and their partitions, in real runs."""

from __future__ import annotations

import airflow
import pytest
from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS
from tests.support.dag_runs import load_text

pytestmark = pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")


def transfer(table="p.d.{endpoint}", **arguments):
    return WeAnalysisToBigQueryOperator(
        task_id="load", endpoint="visit_page", destination_project_dataset_table=table, **arguments
    )


def uris(task):
    return [outlet.uri for outlet in task.outlets if isinstance(outlet, Asset)]


@pytest.fixture
def events(run_dag):
    """The asset events of the latest run: (uri, extra, partition key)."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    def found():
        with create_session() as session:
            query = select(AssetEvent).where(AssetEvent.source_run_id == run_dag.latest.run_id)
            query = query.where(AssetEvent.source_dag_id == run_dag.latest.dag_id).order_by(AssetEvent.id)
            return [(event.asset.uri, event.extra, event.partition_key) for event in session.scalars(query)]

    return found


def test_a_literal_table_is_an_outlet():
    assert uris(transfer()) == ["bigquery://p/d/visit_page"]
    other = Asset("bigquery://p/d/other")
    assert uris(transfer(outlets=[other])) == [other.uri, "bigquery://p/d/visit_page"]


def test_a_name_that_is_not_ascii_is_percent_encoded():
    """Airflow takes ASCII alone, and would drop the whole DAG for it, with a line in the DAG processor's log."""
    (uri,) = uris(transfer("p.d.访问_{endpoint}"))
    assert uri == "bigquery://p/d/%E8%AE%BF%E9%97%AE_visit_page"
    assert uris(transfer("example.com:p.d.t")) == ["bigquery://example.com%3Ap/d/t"]
    assert uris(transfer(f"p.d.{'访' * 300}")) == [], "longer than Airflow keeps"


def test_one_s_own_asset_of_the_same_uri_is_the_outlet():
    """Airflow keeps one active asset for each URI; a second one would fail the task."""
    own = Asset("wechat_pages", uri="bigquery://p/d/visit_page")
    assert transfer(outlets=[own]).outlets == [own]


@pytest.mark.parametrize("table", ["{{ var.value.d }}.{endpoint}", "p.d.{appid}"])
def test_a_table_that_is_not_known_is_none(table):
    assert uris(transfer(table)) == []


def test_an_alias_takes_its_place():
    assert uris(transfer(outlets=[AssetAlias("tables")])) == []


@pytest.mark.parametrize("arguments", [{"table": "p.d.{appid}"}, {"outlets": [AssetAlias("tables")]}])
def test_partitions_need_an_asset(arguments):
    with pytest.raises(ConfigurationError, match="emit_partitions needs a task that is not mapped"):
        transfer(emit_partitions=True, **arguments)


def test_partitions_of_a_mapped_load_need_an_asset_too():
    with DAG("d", schedule=None), pytest.raises(ConfigurationError, match="^Task 'load': emit_partitions needs a task"):
        WeAnalysisToBigQueryOperator.partial(
            task_id="load", endpoint="daily_summary", destination_project_dataset_table="p.d.t", emit_partitions=True
        ).expand(weanalysis_conn_id=["shop", "magazine"])


def test_partitions_need_airflow_3_3(monkeypatch):
    monkeypatch.setattr(airflow, "__version__", "3.2.2")
    with pytest.raises(ConfigurationError, match=r"emit_partitions needs Airflow 3.3 or later; this is 3.2.2"):
        transfer(emit_partitions=True)


def test_the_event_says_what_was_loaded(run_dag, dag_file, dataset, events, wechat_server):
    yesterday, day_before = (f"{run_dag.today.subtract(days=days):%Y-%m-%d}" for days in (1, 2))
    wechat_server.override("daily_visit_trend", APPS[0], day_before, {"list": []})
    pages = load_text(dataset, "visit_page", task_id="'pages'")
    trends = load_text(dataset, "daily_visit_trend", task_id="'trend'", lookback="2")
    path = dag_file("asset_event", f"{pages}\n{trends}")
    assert set(run_dag(path).values()) == {"success"}
    project, name = dataset.split(".")
    (uri, extra, key), (_, trend, _) = sorted(events(), key=lambda event: event[0], reverse=True)
    assert (uri, key) == (f"bigquery://{project}/{name}/visit_page", None)
    assert extra == {
        "table": f"{dataset}.visit_page",
        "endpoint": "visit_page",
        "rows": 200,
        "load_ids": extra["load_ids"],
        "apps": {APPS[0]: {"rows": 200, "periods": [yesterday], "empty_periods": [], "truncated_periods": [yesterday]}},
    }
    found = trend["apps"][APPS[0]]
    assert (len(found["periods"]), trend["rows"], found["empty_periods"]) == (2, 2, [day_before])


def test_one_s_own_asset_has_the_event(run_dag, dag_file, dataset, events):
    project, name = dataset.split(".")
    outlets = f"[Asset('summary', uri='bigquery://{project}/{name}/daily_summary')]"
    imported = "from airflow.providers.common.compat.sdk import Asset"
    path = dag_file("own_asset", f"{imported}\n{load_text(dataset, outlets=outlets)}")
    assert run_dag(path) == {("load", -1): "success"}
    ((uri, extra, _),) = events()
    assert (uri, extra["rows"]) == (f"bigquery://{project}/{name}/daily_summary", 1)


@pytest.mark.parametrize("table", ["{{ var.value.weanalysis_dataset }}.{endpoint}", "{dataset}.{{endpoint}}"])
def test_mapped_tasks_and_templated_tables_announce_through_an_alias(run_dag, dag_file, dataset, events, table):
    table = table.format(dataset=dataset) if "{{ " not in table else table
    path = dag_file(
        "alias_event",
        f"""
        from airflow.providers.common.compat.sdk import AssetAlias
        WeAnalysisToBigQueryOperator.partial(
            task_id="load",
            destination_project_dataset_table="{table}",
            gcp_conn_id=None,
            outlets=[AssetAlias("weanalysis_tables")],
        ).expand(endpoint=["visit_page", "daily_summary"])
        """,
    )
    assert set(run_dag(path).values()) == {"success"}
    place = dataset.replace(".", "/")
    assert {uri for uri, _, _ in events()} == {f"bigquery://{place}/visit_page", f"bigquery://{place}/daily_summary"}
    assert {extra["endpoint"] for _, extra, _ in events()} == {"visit_page", "daily_summary"}


def test_a_mapped_task_without_an_alias_announces_nothing(run_dag, dag_file, dataset, events):
    path = dag_file(
        "mapped",
        f"""
        WeAnalysisToBigQueryOperator.partial(
            task_id="load", destination_project_dataset_table="{dataset}.{{endpoint}}", gcp_conn_id=None
        ).expand(endpoint=["visit_page", "daily_summary"])
        """,
    )
    assert set(run_dag(path).values()) == {"success"}
    assert events() == []
    labels = {ti.rendered_map_index for ti in run_dag.latest.get_task_instances()}
    assert labels == {"weanalysis_default visit_page", "weanalysis_default daily_summary"}


def test_partition_keys_of_what_was_loaded(run_dag, dag_file, dataset, events, wechat_server):
    wechat_server.override("daily_summary", APPS[0], "2026-03-02", {"list": []})
    dates = {"from_date": "'2026-03-01'", "to_date": "'2026-03-03'"}
    path = dag_file("partitions", load_text(dataset, **dates, emit_partitions="True"))
    assert set(run_dag(path).values()) == {"success"}
    assert sorted(key for _, _, key in events()) == ["2026-03-01", "2026-03-03"], "none of the empty day"


def test_the_links_of_a_loaded_table(run_dag, dag_file, dataset):
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    run_dag(dag_file("links", load_text(dataset)))
    with create_session() as session:
        query = select(XComModel.key, XComModel.value).where(XComModel.run_id == run_dag.latest.run_id)
        links = {key: value for key, value in session.execute(query) if key.startswith("_link_")}
    project, name = dataset.split(".")
    assert f"p={project}&d={name}&t=daily_summary" in links["_link_BigQueryTableLink"]
    assert "mp.weixin.qq.com" in links["_link_WeChatConsoleLink"]
