"""The views task: what it makes, what it skips and why, and where its link leads. What views say: tests/views."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, XCom

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.bigquery.tables import new_table
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.links.views import LookerStudioLink
from airflow_provider_wxanalysis.operators.views import WeAnalysisViewsOperator
from airflow_provider_wxanalysis.views.definitions import NAMES
from tests.conftest import run_context


@pytest.fixture
def tables(bq, project, dataset):
    """Make empty tables of endpoints, perhaps without some column."""

    def make(*names, without=""):
        for name in names:
            table = new_table(TableName(project, dataset.removeprefix(f"{project}."), name), ENDPOINTS[name], {}, None)
            table.schema = [field for field in table.schema if field.name != without]
            bq.create_table(table)

    return make


def make_views(dataset, **options):
    task = WeAnalysisViewsOperator(task_id="views", destination=dataset, gcp_conn_id=None, **options)
    return task.execute(run_context(None, None))


def test_missing_tables_skip_only_their_views(tables, dataset, bq, logged):
    tables("daily_visit_trend", "weekly_retain")
    made = make_views(dataset)
    assert made["dataset"] == dataset
    assert made["views"] == ["report_retention", "report_retention_curve", "report_quality", "report_coverage"]
    assert made["skipped"].keys() == set(NAMES) - set(made["views"])
    assert made["skipped"]["report_day"] == "missing: daily_summary"
    assert "Skipped report_day: missing: daily_summary" in logged()
    for name in made["views"]:
        assert list(bq.query_and_wait(f"SELECT * FROM `{dataset}.{name}`")) == []


def test_a_table_that_came_later_is_taken_in(tables, dataset):
    tables("daily_visit_trend")
    assert "report_day" in make_views(dataset)["skipped"]
    tables("daily_summary")
    assert "report_day" in make_views(dataset)["views"]


def test_a_table_that_no_load_has_widened_yet_skips_only_its_views(tables, dataset, logged):
    tables("daily_visit_trend", "daily_summary")
    tables("performance_data", without="metric_name")
    tables("daily_retain", without="cohort_users")
    made = make_views(dataset)
    assert made["views"] == ["report_day", "report_quality", "report_coverage"]
    reason = "table performance_data lacks metric_name, which the next load adds"
    assert made["skipped"]["report_performance"] == reason
    assert made["skipped"]["report_retention"] == "table daily_retain lacks cohort_users, which the next load adds"
    assert made["skipped"]["report_retention_curve"] == "missing: report_retention"
    assert f"Skipped report_performance: {reason}" in logged()


def test_a_view_made_earlier_of_what_is_gone_is_not_built_upon(tables, dataset, bq):
    tables("daily_retain")
    make_views(dataset)
    bq.delete_table(f"{dataset}.daily_retain")
    tables("daily_retain", without="cohort_users")
    assert make_views(dataset)["skipped"]["report_retention_curve"] == "missing: report_retention"


def test_only_those_asked_for(tables, dataset):
    tables("daily_retain")
    assert make_views(dataset, views=["report_retention_curve", "report_retention"])["views"] == [
        "report_retention",
        "report_retention_curve",
    ]


def test_nothing_to_make_them_of(dataset):
    with pytest.raises(AirflowSkipException, match="do not exist yet"):
        make_views(dataset)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"views": ["report_days"]}, "no view 'report_days'"),
        ({"views": "report_day"}, "must be a list"),
        ({"destination": "wechat"}, "must be of the form project.dataset"),
        ({"empty_is_ready_after": dt.timedelta(-1)}, "empty_is_ready_after"),
    ],
)
def test_mistakes_show_when_the_dag_is_parsed(options, message):
    with pytest.raises(ConfigurationError, match=message):
        WeAnalysisViewsOperator(task_id="t", **{"destination": "p.d", **options})


@pytest.mark.parametrize(
    ("made", "table"),
    [
        ({"dataset": "p.d", "views": ["report_pages", "report_day"], "skipped": {}}, "report_day"),
        ({"dataset": "p.d", "views": ["report_pages"], "skipped": {}}, "report_pages"),
        ({"dataset": "p.d", "views": [], "skipped": {}}, None),
        (None, None),
    ],
)
def test_its_link_begins_a_report_in_looker_studio(monkeypatch, made, table):
    monkeypatch.setattr(XCom, "get_value", lambda **_: made)
    url = LookerStudioLink().get_link(WeAnalysisViewsOperator(task_id="t"), ti_key=None)
    if table is None:
        assert url == ""
        return
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("lookerstudio.google.com", "/reporting/create")
    query = {name: value for name, (value,) in parse_qs(parts.query).items()}
    assert query["ds.connector"] == "bigQuery"
    assert (query["ds.projectId"], query["ds.datasetId"], query["ds.tableId"]) == ("p", "d", table)
