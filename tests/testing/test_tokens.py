"""Token endpoints: families, renewals, deaths, refusals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing import WeChatServer
from tests.testing.client import APP, NOW, OTHER, Client, dates

DATA = ENDPOINTS["daily_summary"].path


def later(server: WeChatServer, **delta: float) -> None:
    server.now = server.now + dt.timedelta(**delta)


def test_stable_gives_the_same_token_until_its_last_five_minutes(client: Client, wechat_server: WeChatServer) -> None:
    first = client.stable()
    assert first["expires_in"] == 7200
    assert len(first["access_token"]) >= 128
    later(wechat_server, seconds=6899)
    assert client.stable() == {"access_token": first["access_token"], "expires_in": 301}


def test_stable_renews_before_the_end_and_both_tokens_work_until_then(
    client: Client, wechat_server: WeChatServer
) -> None:
    old = client.stable()["access_token"]
    later(wechat_server, seconds=6900)
    renewed = client.stable()
    assert renewed["access_token"] != old
    assert renewed["expires_in"] == 7200
    later(wechat_server, seconds=299)
    assert client.works(old) == client.works(renewed["access_token"]) == 0
    later(wechat_server, seconds=1)
    assert client.works(old) == 42001
    assert client.works(renewed["access_token"]) == 0


def test_renewal_scales_with_short_lives(client: Client) -> None:
    with WeChatServer(now=NOW, token_lifetime=40) as server:
        short = Client(server)
        with short.session:
            token = short.stable()["access_token"]
            later(server, seconds=29)
            assert short.stable() == {"access_token": token, "expires_in": 11}
            later(server, seconds=1)
            assert short.stable()["access_token"] != token


def test_forced_refresh_ends_the_former_token_at_once(client: Client) -> None:
    former = client.stable()["access_token"]
    forced = client.stable(force_refresh=True)["access_token"]
    assert client.works(former) == 40001
    assert client.works(forced) == 0


def test_forced_refresh_sooner_than_thirty_seconds_does_nothing(client: Client, wechat_server: WeChatServer) -> None:
    forced = client.stable(force_refresh=True)["access_token"]
    later(wechat_server, seconds=29)
    assert client.stable(force_refresh=True)["access_token"] == forced
    later(wechat_server, seconds=1)
    assert client.stable(force_refresh=True)["access_token"] != forced


def test_forced_refresh_twenty_times_a_day(client: Client, wechat_server: WeChatServer) -> None:
    for _ in range(20):
        assert "access_token" in client.stable(force_refresh=True)
        later(wechat_server, minutes=1)
    assert client.stable(force_refresh=True)["errcode"] == 45009
    assert "access_token" in client.stable()
    wechat_server.now = NOW.replace(hour=0, minute=0) + dt.timedelta(days=1)
    assert "access_token" in client.stable(force_refresh=True)


def test_legacy_gives_a_new_token_and_the_former_lives_five_minutes(
    client: Client, wechat_server: WeChatServer
) -> None:
    former = client.legacy()["access_token"]
    latest = client.legacy()["access_token"]
    assert former != latest
    later(wechat_server, seconds=299)
    assert client.works(former) == 0
    later(wechat_server, seconds=1)
    assert client.works(former) == 40001
    assert client.works(latest) == 0


def test_a_legacy_token_lives_no_longer_for_being_replaced(client: Client, wechat_server: WeChatServer) -> None:
    former = client.legacy()["access_token"]
    later(wechat_server, seconds=7100)
    client.legacy()
    later(wechat_server, seconds=99)
    assert client.works(former) == 0
    later(wechat_server, seconds=1)
    assert client.works(former) == 42001


def test_families_and_apps_are_isolated(client: Client, wechat_server: WeChatServer) -> None:
    stable, legacy = client.stable()["access_token"], client.legacy()["access_token"]
    other = client.stable(OTHER)["access_token"]
    client.legacy()
    later(wechat_server, minutes=10)
    assert (client.works(stable), client.works(legacy), client.works(other)) == (0, 40001, 0)
    latest = client.legacy()["access_token"]
    client.stable(force_refresh=True)
    assert (client.works(stable), client.works(latest), client.works(other)) == (40001, 0, 0)


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"appid": "wx00000000000000zz"}, 40013),
        ({"appid": 7}, 40013),
        ({"appid": ""}, 41002),
        ({"appid": None}, 41002),
        ({"secret": "wrong"}, 40125),
        ({"secret": ""}, 41004),
        ({"secret": None}, 41004),
        ({"grant_type": "password"}, 40002),
        ({"force_refresh": "yes"}, 47001),
    ],
)
def test_stable_refuses(change: dict[str, Any], errcode: int) -> None:
    with WeChatServer({APP: "s3cret"}) as server:
        client = Client(server)
        with client.session:
            body = {"appid": APP, "secret": "s3cret", "grant_type": "client_credential", **change}
            url = f"{server.url}/cgi-bin/stable_token"
            assert client.session.post(url, json=body, timeout=10).json()["errcode"] == errcode
            if "force_refresh" not in change:
                query = {name: value for name, value in body.items() if value is not None}
                reply = client.session.get(f"{server.url}/cgi-bin/token", params=query, timeout=10).json()
                assert reply["errcode"] == errcode
            assert server.tokens_issued == []


def test_a_secret_can_be_reset(client: Client, wechat_server: WeChatServer) -> None:
    former = client.stable()["access_token"]
    wechat_server.apps.reset_secret(APP, "new")
    assert client.stable(secret="old")["errcode"] == 40125
    assert client.stable()["access_token"] == former
    assert "access_token" in client.stable(OTHER)


def test_any_app_that_looks_like_one_when_no_apps_are_given(client: Client) -> None:
    assert "access_token" in client.stable("wxabcdef0123456789", secret="whatever")
    with pytest.raises(ValueError, match="does not know the app"):
        client.stable("gh_0123456789")
    url = f"{client.server.url}/cgi-bin/stable_token"
    body = {"appid": "gh_0123456789", "secret": "s", "grant_type": "client_credential"}
    assert client.session.post(url, json=body, timeout=10).json()["errcode"] == 40013


@pytest.mark.parametrize(("body", "errcode"), [(b"", 44002), (b"{", 47001), (b"[]", 47001)])
def test_stable_refuses_bodies(client: Client, body: bytes, errcode: int) -> None:
    reply = client.session.post(f"{client.server.url}/cgi-bin/stable_token", data=body, timeout=10).json()
    assert reply["errcode"] == errcode


def test_methods(client: Client) -> None:
    url = client.server.url
    assert client.session.get(f"{url}/cgi-bin/stable_token", timeout=10).json()["errcode"] == 43002
    assert client.session.post(f"{url}/cgi-bin/token", timeout=10).status_code == 405
    assert client.session.get(f"{url}/cgi-bin/elsewhere", timeout=10).status_code == 404


def test_authorizer(client: Client, wechat_server: WeChatServer) -> None:
    def ask(component: str = WeChatServer.component_access_token, **change: Any) -> dict[str, Any]:
        refresh = wechat_server.refresh_token(APP)
        body = {"component_appid": "wxc", "authorizer_appid": APP, "authorizer_refresh_token": refresh}
        url = f"{wechat_server.url}/cgi-bin/component/api_authorizer_token"
        return client.session.post(
            url, params={"component_access_token": component}, json={**body, **change}, timeout=10
        ).json()

    stable = client.stable()["access_token"]
    reply = ask()
    assert reply["expires_in"] == 7200
    assert reply["authorizer_refresh_token"] == wechat_server.refresh_token(APP)
    assert client.works(reply["authorizer_access_token"]) == client.works(stable) == 0
    assert ask("wrong")["errcode"] == 40001
    assert ask(authorizer_refresh_token="wrong")["errcode"] == 61023
    assert ask(authorizer_appid="nobody")["errcode"] == 40013
    assert ask(component_appid="")["errcode"] == 40013


def test_central(client: Client, wechat_server: WeChatServer) -> None:
    url = f"{wechat_server.url}/central/token"
    stable = client.stable()
    assert client.session.get(f"{url}/{APP}", timeout=10).json() == stable
    assert client.session.get(f"{url}/nobody", timeout=10).status_code == 404
    wechat_server.central_authorization = "Bearer b"
    assert client.session.get(f"{url}/{APP}", timeout=10).status_code == 401
    assert client.session.get(f"{url}/{APP}", headers={"Authorization": "Bearer b"}, timeout=10).json() == stable
    assert wechat_server.count("token") == 5


@pytest.mark.parametrize(
    ("token", "errcode"), [(None, 41001), ("", 40014), ("short", 40014), ("x" * 30 + "\n\n", 40014), ("x" * 128, 40001)]
)
def test_data_calls_refuse_tokens(client: Client, token: str | None, errcode: int) -> None:
    assert client.post(DATA, token, json=dates("20260302", "20260302")).json()["errcode"] == errcode


def test_expire_tokens(client: Client, wechat_server: WeChatServer) -> None:
    stable, legacy, other = client.stable(), client.legacy(), client.stable(OTHER)
    wechat_server.expire_tokens(APP)
    assert client.works(stable["access_token"]) == client.works(legacy["access_token"]) == 42001
    assert client.works(other["access_token"]) == 0
    assert client.works(client.stable()["access_token"]) == 0


def test_every_token_is_on_record(client: Client, wechat_server: WeChatServer) -> None:
    seen = [client.stable()["access_token"], client.legacy()["access_token"], client.stable(OTHER)["access_token"]]
    assert wechat_server.tokens_issued == seen
    assert len(set(seen)) == 3
