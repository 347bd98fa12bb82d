"""Quotas and rates."""

from __future__ import annotations

import datetime as dt

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing import WeChatServer
from tests.testing.client import BEIJING, NOW, OTHER, Client

PATH = ENDPOINTS["daily_summary"].path


def quota(client: Client, path: object = PATH) -> dict[str, object]:
    return client.post("/cgi-bin/openapi/quota/get", client.token(), json={"cgi_path": path}).json()


def test_the_daily_quota_is_counted_per_path_and_app_and_ends_at_midnight() -> None:
    with WeChatServer(now=NOW, daily_quota=3) as server:
        client = Client(server)
        with client.session:
            assert "errcode" not in client.ask("daily_summary")
            assert client.ask("daily_summary", "20990101")["errcode"] == 61501  # a refused question is a call, too
            assert "errcode" not in client.ask("daily_summary")
            assert client.ask("daily_summary")["errcode"] == 45009
            assert client.ask("daily_summary")["errcode"] == 45009
            assert "errcode" not in client.ask("visit_page")
            assert "errcode" not in client.ask("daily_summary", appid=OTHER)
            assert quota(client)["quota"] == {"daily_limit": 3, "used": 3, "remain": 0}
            server.now = dt.datetime(2026, 3, 4, tzinfo=BEIJING)
            assert "errcode" not in client.ask("daily_summary")
            assert quota(client)["quota"] == {"daily_limit": 3, "used": 1, "remain": 2}


def test_calls_without_a_good_token_cost_nothing(client: Client) -> None:
    client.works("x" * 128)
    assert quota(client)["quota"] == {"daily_limit": 100_000, "used": 0, "remain": 100_000}


def test_portraits_share_one_quota(client: Client) -> None:
    for endpoint in ("user_portrait", "user_portrait_7d", "user_portrait_30d"):
        client.ask(endpoint)
    assert quota(client, ENDPOINTS["user_portrait"].path)["quota"]["used"] == 3  # type: ignore[index]


def test_the_minute_limit() -> None:
    with WeChatServer(now=NOW, requests_per_minute=2) as server:
        client = Client(server)
        with client.session:
            assert "errcode" not in client.ask("daily_summary")
            server.now = NOW + dt.timedelta(seconds=59)
            assert "errcode" not in client.ask("daily_summary")
            assert client.ask("daily_summary")["errcode"] == 45011
            assert "errcode" not in client.ask("visit_page")
            assert "errcode" not in client.ask("daily_summary", appid=OTHER)
            server.now = NOW + dt.timedelta(seconds=60)
            assert "errcode" not in client.ask("daily_summary")
            assert quota(client)["rate_limit"] == {"call_count": 2, "refresh_second": 60}
            assert quota(client)["quota"]["used"] == 3  # type: ignore[index]


def test_stable_tokens_are_limited_by_the_minute_and_by_the_day(client: Client, wechat_server: WeChatServer) -> None:
    """WeChat's figures are checked as such, without asking half a million times."""
    limits = wechat_server.token_quotas
    assert (limits.per_minute, limits.per_day) == (10_000, 500_000)
    limits.per_minute, limits.per_day = 2, 5
    assert [client.stable().get("errcode", 0) for _ in range(3)] == [0, 0, 45011]
    assert "errcode" not in client.stable(OTHER)
    assert "errcode" not in client.legacy()
    wechat_server.now = NOW + dt.timedelta(minutes=1)
    assert [client.stable().get("errcode", 0) for _ in range(3)] == [0, 0, 45011]
    wechat_server.now = NOW + dt.timedelta(minutes=2)
    assert [client.stable().get("errcode", 0) for _ in range(2)] == [0, 45009]
    wechat_server.now = NOW + dt.timedelta(days=1)
    assert "errcode" not in client.stable()


def test_quota_of_what_does_not_exist(client: Client) -> None:
    assert quota(client, "/datacube/nothing")["errcode"] == 76021
    assert quota(client, ["x"])["errcode"] == 76021
    assert set(quota(client)) == {"errcode", "errmsg", "quota", "rate_limit", "component_rate_limit"}
