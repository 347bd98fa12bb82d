"""The coverage task on real tables: what it finds, plans, logs and costs."""

from __future__ import annotations

import datetime as dt

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.periods import last_closed_day
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

    def run(endpoints=("daily_summary",), since=None, context=None, **options):
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
        ({"endpoints": ["daily_sumary"]}, "There is no endpoint"),
        ({"destination": "d.{endpoint}"}, "not of the form"),
        ({"endpoint_options": {"daily_retain": {}}}, "not among the endpoints"),
        ({"revisions": dt.timedelta(days=8)}, "seven days"),
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
