"""The coverage task on real tables: what it finds, plans, logs and costs."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_wxanalysis.coverage.snapshot import unpack
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.operators.views import WeAnalysisViewsOperator
from airflow_provider_wxanalysis.periods import last_closed_day
from airflow_provider_wxanalysis.tasks.snapshots import snapshot_alias
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS, run_context

SHOP, MAGAZINE = APPS
YESTERDAY = last_closed_day(dt.datetime.now(dt.UTC))


def back(days):
    return YESTERDAY - dt.timedelta(days=days)


@pytest.fixture
def conn_ids(wechat_server, connect):
    return [connect(wechat_server, SHOP, "shop", app_name="商店"), connect(wechat_server, MAGAZINE, "magazine")]


@pytest.fixture
def coverage(dataset, conn_ids):
    """Run the task; returns its plan."""

    def run(endpoints=("daily_summary",), since=None, context=None, rendered=(), **options):
        task = WeAnalysisCoverageOperator(
            task_id="coverage",
            **{
                "conn_ids": conn_ids,
                "endpoints": endpoints,
                "destination": f"{dataset}.{{endpoint}}",
                "since": since or back(9),
                "gcp_conn_id": None,
                "empty_is_ready_after": dt.timedelta(0),  # so that tests do not depend on the hour
                **options,
            },
        )
        vars(task).update(rendered)
        return task.execute(context or run_context(None, None))

    return run


def item(conn_ids, endpoint, first, last=None):
    return {
        "weanalysis_conn_id": conn_ids,
        "endpoint": endpoint,
        "from_date": str(first),
        "to_date": str(last or first),
    }


def test_without_tables_everything_is_missing(coverage, conn_ids, wechat_server, logged):
    plan = coverage(["daily_summary", "user_portrait"])
    assert plan == [
        item(conn_ids, "user_portrait", back(1), YESTERDAY),
        item(conn_ids, "daily_summary", back(9), YESTERDAY),
    ]
    assert wechat_server.calls == [], "coverage asks WeChat nothing"
    log = logged()
    assert log.count("WeChat does not answer for these any more") == 1
    assert f"user_portrait {back(9)} to {back(2)}: 商店, {MAGAZINE}" in log


def test_an_app_whose_connection_is_gone_is_left_out_of_the_others_plan(coverage, conn_ids, logged):
    assert coverage(conn_ids=["gone", *conn_ids]) == [item(conn_ids, "daily_summary", back(9), YESTERDAY)]
    assert (
        "Left out, since their connections cannot be read, 1 of 3 apps:\ngone: Connection 'gone' is not defined"
        in logged()
    )
    with pytest.raises(AirflowFailException, match="fail_on cannot be judged for 1 app"):
        coverage(conn_ids=["gone", *conn_ids], fail_on={"lost"})
    with pytest.raises(ConfigurationError, match="Connection 'gone' is not defined"):
        coverage(conn_ids=["gone", "lost_too"])


def test_costs_one_query_per_table_and_two(coverage, proxy, logged):
    coverage(ENDPOINTS, since=back(40))
    coverage(ENDPOINTS, since=back(40))
    queries = [exchange.sql for exchange in proxy.exchanges if exchange.sql]
    first, second = queries[: len(queries) // 2], queries[len(queries) // 2 :]
    assert len(second) <= len(ENDPOINTS) + 2
    assert len(first) <= len(second) + 1, "the table of names is made in the first run"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fail_on": "missing"}, "fail_on must be a set of states"),
        ({"fail_on": ["lacking"]}, "fail_on must be a set of states"),
        ({"limit": 0}, "limit must be"),
        ({"since": "yesterday"}, "YYYY-MM-DD"),
        ({"since": "2016-12-31"}, "2016-12-31 cannot be right: mini programs have had figures since 2017"),
        ({"since": dt.date(3000, 1, 1)}, "3000-01-01 cannot be right"),
        ({"since": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, "must not have a time of day"),
        ({"endpoints": ["daily_sumary"]}, "There is no endpoint"),
        ({"endpoints": []}, "at least one name"),
        ({"endpoints": "visit_page"}, "at least one name"),
        ({"destination": "d.{endpoint}"}, "not of the form"),
        ({"endpoint_options": {"daily_retain": {}}}, "not among the endpoints"),
        ({"revisions": dt.timedelta(days=7)}, "less than seven days"),
        ({"revisions": 3}, "less than seven days"),
        ({"fail_on": None}, "fail_on must be a set of states"),
        ({"conn_ids": []}, "conn_ids and appids must name at least one app"),
        ({"conn_ids": ["shop", "magazine"], "appids": ["wx1"]}, "must be served by one connection"),
        ({"labels": {"Team": "x"}}, "labels: a key must be"),
        ({"gcp_conn_id": None, "impersonation_chain": "robot@p.iam.gserviceaccount.com"}, "needs a gcp_conn_id"),
        ({"empty_is_ready_after": 15}, "empty_is_ready_after"),
    ],
)
def test_mistakes_show_when_the_dag_is_parsed(options, message):
    arguments = {
        "conn_ids": "shop",
        "since": "2026-01-01",
        "destination": "p.d.{endpoint}",
        "endpoints": ["visit_page"],
    }
    with pytest.raises(ConfigurationError, match=message):
        WeAnalysisCoverageOperator(task_id="t", **{**arguments, **options})


def test_a_since_before_mini_programs_is_refused_when_rendered_too(coverage):
    with pytest.raises(AirflowFailException, match="2016-12-31 cannot be right"):
        coverage(rendered={"since": "2016-12-31"})


def test_an_empty_list_of_apps_from_another_task_skips(coverage):
    with pytest.raises(AirflowSkipException, match="list of apps is empty"):
        coverage(rendered={"conn_ids": []})


def test_a_dataset_that_does_not_exist_lacks_everything(coverage, conn_ids, project, caplog):
    plan = coverage(destination=f"{project}.no_such_dataset.{{endpoint}}")
    assert plan == [item(conn_ids, "daily_summary", back(9), YESTERDAY)]
    assert f"Names of apps were not kept. Writing to {project}.no_such_dataset.weanalysis_apps: " in caplog.text
    assert "Check that the dataset exists" in caplog.text


def test_datasets_of_one_app_each_do_not_share_names(coverage, bq, project, dataset):
    datasets = {appid: f"{dataset}_{appid}" for appid in APPS}
    for name in datasets.values():
        bq.create_dataset(name)
    coverage(destination=f"{dataset}_{{appid}}.{{endpoint}}")
    for appid, name in datasets.items():
        kept = bq.query_and_wait(f"SELECT appid FROM `{name}.weanalysis_apps`")
        assert [row["appid"] for row in kept] == [appid]
        bq.delete_dataset(name, delete_contents=True)


def test_the_gate_fails_on_states_that_must_not_occur(coverage):
    assert coverage(fail_on=["lost", "doubled"])
    with pytest.raises(AirflowFailException, match="20 missing"):
        coverage(fail_on=["missing", "lost"])


def test_tables_of_one_app_each(coverage, conn_ids, dataset):
    plan = coverage(destination=f"{dataset}.{{endpoint}}_{{appid}}")
    assert plan == [item(conn, "daily_summary", back(9), YESTERDAY) for conn in conn_ids]


def test_options_of_an_endpoint_are_handed_on(coverage, conn_ids):
    options = {"performance_data": {"modules": ["10022"]}}
    (planned,) = coverage(["performance_data"], endpoint_options=options)
    assert planned == {
        **item(conn_ids, "performance_data", back(9), YESTERDAY),
        "endpoint_options": options["performance_data"],
    }


def test_limit_keeps_the_newest(coverage, bq, dataset):
    plan = coverage(["daily_summary", "weekly_visit_trend"], since=back(20), limit=1)
    assert [planned["endpoint"] for planned in plan] == ["daily_summary"]


def test_what_was_found_goes_into_one_event_of_the_datasets_asset(coverage, dataset, wechat_server, connect, conn_ids):
    loads = {"endpoint": "daily_visit_trend"}, {"endpoint": "daily_retain"}, {"endpoint": "visit_page"}
    for arguments in loads:
        load(dataset, weanalysis_conn_id="shop", from_date=str(back(3)), to_date=str(YESTERDAY), **arguments)
    context = run_context(None, None)
    coverage([arguments["endpoint"] for arguments in loads], context=context)
    (event,) = context["outlet_events"][snapshot_alias()].asset_alias_events
    asset = getattr(event, "dest_asset_key", None) or event
    assert asset.uri == f"weanalysis://coverage/{dataset.replace('.', '/')}/dag/task"
    assert event.extra["apps"] == 2
    assert event.extra["missing"] == 3 * (6 + 10)
    content = unpack(event.extra)
    assert [app[:2] for app in content["apps"]] == [[SHOP, "商店"], [MAGAZINE, ""]]
    figures = content["figures"]
    assert len(figures["uv"][0]) == 4
    assert len(figures["pages"][0]) == 10


def load(dataset, **arguments):
    task = WeAnalysisToBigQueryOperator(
        task_id="load",
        destination_project_dataset_table=f"{dataset}.{{endpoint}}",
        gcp_conn_id=None,
        lookback=0,
        **arguments,
    )
    return task.execute(run_context(None, dt.datetime.now(dt.UTC)))


def test_revisions_say_which_figures_changed(coverage, conn_ids, dataset, bq, logged):
    load(dataset, endpoint="daily_summary", weanalysis_conn_id="shop", from_date=str(back(3)), to_date=str(YESTERDAY))
    bq.query_and_wait(f"UPDATE `{dataset}.daily_summary` SET share_pv = share_pv + 7 WHERE begin_date = '{back(2)}'")
    before = dt.datetime.now(dt.UTC)
    time.sleep(1)
    load(dataset, endpoint="daily_summary", weanalysis_conn_id="shop", from_date=str(back(3)), to_date=str(back(1)))
    coverage(revisions=dt.datetime.now(dt.UTC) - before)
    assert "of 3 slices loaded again since" in logged()
    assert f"the figures of 1 changed: 商店 {back(2)}" in logged()


def test_revisions_of_retention_are_not_its_growth(coverage, conn_ids, dataset, bq, logged):
    dates = {"from_date": str(back(3)), "to_date": str(back(1))}
    load(dataset, endpoint="daily_retain", weanalysis_conn_id="shop", **dates)
    bq.query_and_wait(f"DELETE FROM `{dataset}.daily_retain` WHERE period_offset > 0")
    bq.query_and_wait(f"UPDATE `{dataset}.daily_retain` SET users = 1 WHERE begin_date = '{back(2)}'")
    before = dt.datetime.now(dt.UTC)
    time.sleep(1)
    load(dataset, endpoint="daily_retain", weanalysis_conn_id="shop", **dates)
    coverage(["daily_retain"], revisions=dt.datetime.now(dt.UTC) - before)
    assert f"the figures of 1 changed: 商店 {back(2)}" in logged()


def test_quality_is_reported_and_never_fails(coverage, conn_ids, dataset, bq, logged):
    coverage(quality=True)
    assert "There is no view" in logged()
    for endpoint in ("daily_visit_trend", "visit_distribution"):
        load(dataset, endpoint=endpoint, weanalysis_conn_id="shop", from_date=str(back(3)), to_date=str(YESTERDAY))
    views = WeAnalysisViewsOperator(task_id="views", destination=dataset, gcp_conn_id=None, views=["report_quality"])
    views.execute(run_context(None, None))
    coverage(quality=True)
    assert "All figures agree with each other" in logged()
    bq.query_and_wait(f"INSERT INTO `{dataset}.visit_distribution` SELECT * FROM `{dataset}.visit_distribution`")
    coverage(quality=True)
    assert "openings by distribution = openings: 12 times in 1 app, " in logged()
