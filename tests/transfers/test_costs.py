"""How many calls a load costs. The docs have the same figures."""

from __future__ import annotations

import collections

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.conftest import APPS
from tests.transfers.conftest import interval, latest, open_clients


def kinds(proxy):
    """BigQuery's calls by kind."""
    found: collections.Counter[str] = collections.Counter()
    for exchange in proxy.exchanges:
        path = exchange.path.split("?")[0]
        kind = exchange.sql.split()[0] if exchange.sql else path.rsplit("/projects/", 1)[1].split("/")[1]
        found[f"{exchange.method} {kind}"] += 1
    return found


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_a_daily_run(proxy, load, wechat_server, endpoint):
    load(endpoint.name, latest(endpoint.name))
    wechat_server.calls.clear()
    proxy.exchanges.clear()

    load(endpoint.name, latest(endpoint.name))

    assert wechat_server.count("token") == 1
    assert wechat_server.count(endpoint.name) == (5 if endpoint.name == "performance_data" else 1)
    assert wechat_server.count() == wechat_server.count("token") + wechat_server.count(endpoint.name)
    assert kinds(proxy) == {
        "GET datasets": 1,  # the table's metadata
        "POST MERGE": 1,
        "GET queries": 1,  # waiting for the MERGE
        "POST SELECT": 1,  # verifying
    }


@pytest.mark.parametrize("auth", ["stable", "legacy"])
def test_earlier_periods_need_no_second_token(transfer, connect, wechat_server, auth):
    """The app is opened once, so what it knows of token and pace stays."""
    day = latest("daily_retain")
    task = transfer("daily_retain", lookback=None)
    connect(wechat_server, conn_id=task.weanalysis_conn_id, auth=auth, max_concurrency=1)
    task.execute(interval(day))
    assert wechat_server.count("daily_retain") == 10
    assert wechat_server.count("token") == 1
    assert not open_clients(task)


@pytest.mark.parametrize(("seconds", "polls"), [(0, 1), (3, 1), (12, 3)])
def test_a_statement_that_runs_is_asked_about_every_four_seconds(proxy, load, seconds, polls):
    """BigQuery holds its answer back until the statement has ended, for four seconds at most."""
    load("daily_summary", latest("daily_summary"))
    proxy.exchanges.clear()
    left = [seconds]

    def rule(exchange):
        if "/queries/" not in exchange.path or exchange.method != "GET":
            return None
        assert "timeoutMs=4000" in exchange.path
        left[0] -= 4
        return (200, {"jobComplete": False}) if left[0] > 0 else None

    proxy.rules.append(rule)
    load("daily_summary", latest("daily_summary"))
    assert kinds(proxy) == {"GET datasets": 1, "POST MERGE": 1, "GET queries": polls, "POST SELECT": 1}


def test_the_first_run_makes_the_table(proxy, load):
    load("daily_summary", latest("daily_summary"))
    assert kinds(proxy) == {
        "GET datasets": 2,  # no table; but a dataset
        "POST datasets": 1,  # the new table
        "POST MERGE": 1,
        "GET queries": 1,
        "POST SELECT": 1,
    }


@pytest.mark.parametrize(("endpoint", "merges"), [("daily_visit_trend", 1), ("visit_page", 1)])
def test_ninety_days_in_one_statement_or_two(proxy, load, wechat_server, dataset, bq, endpoint, merges):
    summary = load(endpoint, latest(endpoint, back=89), latest(endpoint))
    assert len(summary["apps"][APPS[0]]["periods"]) == 90
    assert wechat_server.count(endpoint) == 90
    assert merges <= len(proxy.statements("MERGE")) == len(summary["load_ids"]) <= 2
    ((days,),) = bq.query_and_wait(f"SELECT COUNT(DISTINCT begin_date) FROM `{dataset}.{endpoint}`")
    assert days == 90


def test_an_old_portrait_skips_without_asking(load, wechat_server):
    from airflow.providers.common.compat.sdk import AirflowSkipException

    with pytest.raises(AirflowSkipException, match="can no longer be fetched"):
        load("user_portrait_7d", latest("user_portrait_7d", back=5))
    assert wechat_server.calls == []
