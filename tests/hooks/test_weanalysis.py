"""The hook as its user sees it."""

from __future__ import annotations

import datetime as dt

import pytest
import requests

from airflow_provider_wxanalysis.catalogue.columns import LOAD
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, resolve
from airflow_provider_wxanalysis.exceptions import ConfigurationError, CredentialsError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY, Period
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.wechat import records
from tests.conftest import APPS
from tests.support.samples import published


def test_constructing_it_does_nothing():
    assert WeAnalysisHook("no_such_connection").weanalysis_conn_id == "no_such_connection"


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_every_endpoint_gives_the_rows_that_were_served(hook, wechat_server, endpoint):
    period = endpoint.window.latest(wechat_server.now.date() - dt.timedelta(days=1))
    rows = hook(max_concurrency=1).fetch(endpoint.name, period)
    key = (endpoint.name, APPS[0], period.begin_date.isoformat(), period.end_date.isoformat())
    served = wechat_server.served[key]
    assert len(served) == len(endpoint.selections)
    expected = [
        row
        for selection, reply in zip(endpoint.selections, served, strict=True)
        for row in records.read(endpoint, APPS[0], period, reply, selection).rows
    ]
    assert rows == expected != []
    columns = [column.name for column in endpoint.table_columns]
    assert all(list(row) == columns[: -len(LOAD)] for row in rows), "common columns, its own, _extra"


def test_a_selection_is_all_that_is_asked_for(hook, wechat_server, yesterday):
    hook().fetch(resolve("performance_data", {"modules": ["10022"], "devices": ["1", "2"]}), yesterday)
    asked = [call.body for call in wechat_server.calls if call.endpoint == "performance_data"]
    devices = [param["value"] for body in asked for param in body["params"] if param["field"] == "device"]
    assert {body["module"] for body in asked} == {"10022"}
    assert sorted(devices) == ["1", "2"]


def test_any_wechat_endpoint_can_be_posted_to(hook):
    reply = hook().post("/cgi-bin/openapi/quota/get", {"cgi_path": ENDPOINTS["visit_page"].path})
    assert reply["quota"]["daily_limit"] == 100_000


@pytest.mark.parametrize("sample", ["quota_get", "scene_list"])
def test_replies_come_through_as_they_are(hook, wechat_server, sample):
    reply = published(sample)
    body = published("requests")["quota_get"]
    wechat_server.faults.add(faults.wrong_shape(reply), endpoint="quota")
    assert hook().post("/cgi-bin/openapi/quota/get", body) == reply
    assert wechat_server.calls[-1].body == body


def test_get_conn_is_a_session_with_the_token(hook, wechat_server):
    reply = (
        hook()
        .get_conn()
        .post(f"{wechat_server.url}/cgi-bin/openapi/quota/get", json={"cgi_path": ENDPOINTS["visit_page"].path})
    )
    assert reply.json()["errcode"] == 0


def test_get_conn_waits_as_long_as_the_connection_says(hook, wechat_server):
    session = hook(timeout=0.2).get_conn()
    wechat_server.faults.add(faults.hang(30), endpoint="quota", times=None)
    with pytest.raises(requests.ReadTimeout, match=r"read timeout=0\.2"):
        session.post(f"{wechat_server.url}/cgi-bin/openapi/quota/get", json={})


def test_a_connection_that_cannot_work_is_named(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_BARE", '{"conn_type": "weanalysis"}')
    with pytest.raises(ConfigurationError, match="Connection 'bare': login is empty"):
        WeAnalysisHook("bare").fetch("daily_summary", Period(dt.date(2026, 3, 1), dt.date(2026, 3, 1)))


def test_one_connection_for_several_apps(wechat_server, connect, yesterday):
    """The token server is asked for each app's own token, and each app for its own figures."""
    connect(wechat_server, None)
    for appid in APPS:
        with WeAnalysisHook(appid=appid) as hook:
            assert hook.appid == appid
            assert {row["appid"] for row in hook.fetch("daily_summary", yesterday)} == {appid}
    assert [call.appid for call in wechat_server.calls if call.endpoint == "daily_summary"] == list(APPS)
    with pytest.raises(ConfigurationError, match="login is empty"):
        WeAnalysisHook().fetch("daily_summary", yesterday)


def test_an_app_that_the_connection_does_not_serve(wechat_server, connect, yesterday):
    with pytest.raises(ConfigurationError, match=f"it cannot serve app {APPS[1]}"):
        WeAnalysisHook(connect(wechat_server), APPS[1]).fetch("daily_summary", yesterday)
    assert wechat_server.calls == []


def test_the_app_s_name(hook):
    assert hook(app_name="商店").app_name == "商店"
    assert hook().app_name is None


def test_a_wrong_secret(wechat_server, connect, monkeypatch, yesterday):
    wechat_server.apps.reset_secret(APPS[0], "right")
    monkeypatch.setenv(
        "AIRFLOW_CONN_WRONG",
        f'{{"conn_type": "weanalysis", "login": "{APPS[0]}", "password": "wrong", "host": "{wechat_server.url}"}}',
    )
    hook = WeAnalysisHook("wrong")
    with pytest.raises(CredentialsError, match="40125 .*connection field password.* is wrong"):
        hook.fetch("daily_summary", yesterday)
    hook.close()


def test_an_unknown_endpoint_lists_the_known_ones(hook, yesterday):
    with pytest.raises(ConfigurationError, match="Known, nearest first: daily_summary"):
        hook().fetch("dayly_summary", yesterday)


def test_what_the_catalogue_does_not_know_is_kept_and_warned_about_once(hook, wechat_server, yesterday, logged):
    def with_news(reply):
        return {**reply, "list": [{**item, "visit_uv_vip": 7} for item in reply["list"]]}

    wechat_server.override("daily_summary", APPS[0], yesterday.begin_date, with_news)
    reports = list(hook().fetch_many("daily_summary", [yesterday] * 3))
    assert [rows[0]["_extra"] for _, rows in reports] == [{"visit_uv_vip": 7}] * 3
    assert logged().count("the catalogue does not know visit_uv_vip") == 1


def test_duplicated_rows_are_kept_and_warned_about(hook, wechat_server, yesterday, logged):
    wechat_server.faults.add(faults.duplicated_rows())
    app = hook()
    assert len(app.fetch("daily_summary", yesterday)) == 2
    assert "1 rows repeat the key of another; kept" in logged()


@pytest.mark.parametrize("wechat_server_options", [{"published_at": dt.time(0), "pages": 250}])
def test_a_list_that_wechat_cuts_is_called_so(hook, yesterday, logged):
    assert len(hook().fetch("visit_page", yesterday)) == 200
    assert f"visit_page of app {APPS[0]}: 200 rows of {yesterday}; lists cut by WeChat at 200 rows: 1." in logged()


def test_one_row_is_told_as_one(hook, yesterday, logged):
    hook().fetch("daily_summary", yesterday)
    assert f"daily_summary of app {APPS[0]}: 1 row of {yesterday}." in logged()


def test_many_periods_are_told_in_one_line(hook, yesterday, logged):
    days = [DAY.earlier(yesterday, back) for back in (2, 1, 0)]
    assert len(list(hook().fetch_many("daily_summary", days))) == 3
    told = logged()
    assert f"daily_summary of app {APPS[0]}: 3 rows of {days[0]} to {days[-1]} (3 periods)." in told
    assert told.count("daily_summary") == 1


def test_no_period_is_told_so(hook, logged):
    assert list(hook().fetch_many("daily_summary", [])) == []
    assert f"daily_summary of app {APPS[0]}: 0 rows of no period." in logged()
