"""Tokens: where they come from, how often they are asked for, and what happens when one dies."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from airflow_provider_wxanalysis.exceptions import CredentialsError, InvalidTokenError, PayloadError, TransportError
from airflow_provider_wxanalysis.testing import faults
from tests.conftest import APPS
from tests.support.samples import published

AUTHS = ("stable", "legacy", "static", "central", "authorizer")


@pytest.mark.parametrize("auth", AUTHS)
def test_every_source_works(hook, wechat_server, yesterday, auth):
    assert hook(auth=auth).fetch("daily_summary", yesterday)
    assert wechat_server.count("token") == (0 if auth == "static" else 1)


@pytest.mark.parametrize(
    ("auth", "sample", "token"),
    [
        ("stable", "stable_token", "ACCESS_TOKEN"),
        ("legacy", "token", "ACCESS_TOKEN"),
        ("central", "token", "ACCESS_TOKEN"),
        ("authorizer", "authorizer_token", "AUTHORIZER_ACCESS_TOKEN"),
    ],
)
def test_documented_replies(hook, wechat_server, auth, sample, token):
    reply = published(sample)
    wechat_server.faults.add(faults.wrong_shape(reply), endpoint="token")
    request = requests.Request("POST", f"{wechat_server.url}/any")
    assert hook(auth=auth).get_conn().prepare_request(request).url == f"{wechat_server.url}/any?access_token={token}"


@pytest.mark.parametrize("auth", AUTHS)
def test_one_token_serves_many_calls(hook, wechat_server, yesterday, auth):
    app = hook(auth=auth, max_concurrency=8)
    periods = [yesterday] * 20
    assert len(list(app.fetch_many("daily_summary", periods))) == 20
    assert wechat_server.count("token") <= 1


def test_stable_is_never_forced_and_sends_the_secret_in_the_body(hook, wechat_server, yesterday):
    hook().fetch("daily_summary", yesterday)
    token_call = next(call for call in wechat_server.calls if call.endpoint == "token")
    assert token_call.path == "/cgi-bin/stable_token"
    documented = published("requests")["stable_token"]
    assert documented["force_refresh"] is False
    assert token_call.body == {**documented, "appid": APPS[0], "secret": wechat_server.apps.secret(APPS[0])}


def test_legacy_warns(hook, yesterday, caplog):
    hook(auth="legacy").fetch("daily_summary", yesterday)
    assert "ends the token of every other system" in caplog.text


def test_another_refresh_token_is_warned_about(hook, wechat_server, yesterday, caplog):
    """The old one is over within minutes, and no one else may have kept the new one."""
    app = hook(auth="authorizer")
    app.fetch("daily_summary", yesterday)
    assert "authorizer_refresh_token" not in caplog.text, "the same came back"
    another = "another-refresh-token"
    reply = {"authorizer_access_token": app.client.token(), "expires_in": 7200, "authorizer_refresh_token": another}
    wechat_server.faults.add(faults.wrong_shape(reply), endpoint="token")
    app.client.tokens.discard(app.client.token())
    assert app.fetch("daily_summary", yesterday)
    assert f"App {APPS[0]}: WeChat has given another authorizer_refresh_token. Put it into the conn" in caplog.text
    assert another not in caplog.text


def test_the_token_server_s_authorization_is_sent(hook, wechat_server, yesterday):
    wechat_server.central_authorization = "Bearer company"
    assert hook(auth="central", central_authorization="Bearer company").fetch("daily_summary", yesterday)


@pytest.mark.parametrize("auth", ["stable", "legacy", "central", "authorizer"])
def test_a_dead_token_is_replaced_once(hook, wechat_server, yesterday, auth):
    app = hook(auth=auth)
    app.fetch("daily_summary", yesterday)
    wechat_server.expire_tokens(APPS[0])
    assert app.fetch("daily_summary", yesterday)
    assert wechat_server.count("token") == 2
    assert wechat_server.count("daily_summary") == 3


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_third_refusal_is_an_error_that_names_the_likely_cause(hook, wechat_server, yesterday, pauses, code):
    wechat_server.faults.add(faults.errcode(code), times=None)
    with pytest.raises(InvalidTokenError, match="another system refreshes this AppID's token"):
        hook().fetch("daily_summary", yesterday)
    assert (wechat_server.count("token"), wechat_server.count("daily_summary")) == (3, 3)
    assert pauses == [3.0], "good tokens are refused for a moment, now and then"


def test_a_static_token_cannot_be_replaced(hook, wechat_server, yesterday):
    app = hook(auth="static")
    wechat_server.expire_tokens(APPS[0])
    with pytest.raises(InvalidTokenError):
        app.fetch("daily_summary", yesterday)
    assert (wechat_server.count("token"), wechat_server.count("daily_summary")) == (0, 1)


@pytest.mark.parametrize("code", [40001, 40013, 40125, 40164, 40243, 41004, 89503])
def test_a_token_endpoint_that_refuses_ends_it_at_once(hook, wechat_server, yesterday, pauses, code):
    wechat_server.faults.add(faults.errcode(code), endpoint="token", times=None)
    words = rf"access token \(auth=stable\) of app {APPS[0]}: WeChat answered {code}"
    with pytest.raises(CredentialsError, match=words):
        hook().fetch("daily_summary", yesterday)
    assert wechat_server.count() == 1
    assert pauses == []


def test_a_busy_token_endpoint_is_asked_again(hook, wechat_server, yesterday, pauses):
    wechat_server.faults.add(faults.errcode(-1), endpoint="token", times=2)
    wechat_server.faults.add(faults.http(502), endpoint="token", times=1)
    assert hook().fetch("daily_summary", yesterday)
    assert len(pauses) == 3


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"access_token": None, "expires_in": 7200},
        {"access_token": "", "expires_in": 7200},
        {"access_token": 7, "expires_in": 7200},
        {"access_token": "a b", "expires_in": 7200},
        {"access_token": "a\r\nHost: x", "expires_in": 7200},
        {"access_token": "abc", "expires_in": "soon"},
        {"access_token": "abc", "expires_in": True},
    ],
)
def test_a_token_reply_that_is_none(hook, wechat_server, yesterday, reply):
    wechat_server.faults.add(faults.wrong_shape(reply), endpoint="token", times=None)
    with pytest.raises(PayloadError, match=f"sent no usable (access_token|expires_in) for app {APPS[0]}"):
        hook().fetch("daily_summary", yesterday)


def test_a_token_that_is_over_is_asked_for_again(hook, wechat_server, yesterday, pauses):
    over = {"access_token": "abc", "expires_in": 0}
    wechat_server.faults.add(faults.wrong_shape(over), endpoint="token", times=2)
    assert hook(auth="central").fetch("daily_summary", yesterday)
    assert len(pauses) == 2
    wechat_server.faults.add(faults.wrong_shape(over), endpoint="token", times=None)
    with pytest.raises(TransportError, match=r"a token that is over \(expires_in 0\)") as raised:
        hook(auth="central").fetch("daily_summary", yesterday)
    assert raised.value.retryable
    assert raised.value.stops_app


@pytest.mark.parametrize(("expires_in", "life"), [("7200", "good for 120 min"), (None, "of unknown life")])
def test_lifetimes_as_token_servers_write_them(hook, wechat_server, yesterday, expires_in, life):
    app = hook(auth="central")
    token = app.client.token()
    wechat_server.faults.add(faults.wrong_shape({"access_token": token, "expires_in": expires_in}), endpoint="token")
    app.client.tokens.discard(token)
    assert app.fetch("daily_summary", yesterday)
    assert life in app.client.tokens.describe()


def test_a_token_is_kept_until_it_is_nearly_over(hook, wechat_server, yesterday, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    app = hook()
    for later, calls in ((0, 1), (7200 - 301, 1), (2, 2)):
        now[0] += later
        app.fetch("daily_summary", yesterday)
        assert wechat_server.count("token") == calls


def test_threads_share_one_refresh(hook, wechat_server, yesterday):
    app = hook(max_concurrency=16)
    app.fetch("daily_summary", yesterday)
    wechat_server.expire_tokens(APPS[0])
    barrier = threading.Barrier(16)

    def fetch():
        barrier.wait()
        app.fetch("daily_summary", yesterday)

    threads = [threading.Thread(target=fetch) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wechat_server.count("token") == 2
    assert wechat_server.count("daily_summary") <= 1 + 2 * 16
