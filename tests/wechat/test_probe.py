"""The Test button: each thing that can be wrong, over a real socket, and the words a person gets."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.wechat import probe
from tests.conftest import APPS
from tests.support.servers import free_port

AUTHS = ("stable", "legacy", "static", "central", "authorizer")
CONSOLE = "the WeChat console (mp.weixin.qq.com), 开发管理 > 开发设置"
ALLOW_LIST = f"Add the IP it names to the IP allow-list in {CONSOLE} > IP白名单."

#: errcode -> what the person reads. Where it comes from: the token's endpoint, or the quota's.
REFUSED = {
    40125: (
        "token",
        "The AppSecret (connection field password) is wrong or missing. Ask whoever keeps it",
    ),
    40013: ("token", "The AppID (connection field login) is wrong or missing."),
    40164: ("token", f"'invalid ip 203.0.113.7, not in whitelist' (rid RID). {ALLOW_LIST}"),
    40243: ("token", f"The AppSecret is frozen; unfreeze it in {CONSOLE}."),
    50007: ("token", "The account is frozen; see the notices in the console."),
    50002: ("quota", "The account is restricted or was cancelled; see the notices in the console."),
    48001: ("quota", "This account has no access to the API: it is not verified, the token is another AppID's,"),
    42001: ("quota", "or the connection holds an old token (auth=static)"),
    -1: ("quota", "Try again in a few minutes"),
    45011: ("token", "set requests_per_minute in the connection"),
}


@pytest.fixture
def tested(wechat_server, monkeypatch, pauses):
    """Press Test; arguments change the connection's extra and its other fields."""

    def test(extra=None, **fields):
        connection = {**wechat_server.connection(APPS[0], **(extra or {})), **fields}
        monkeypatch.setenv("AIRFLOW_CONN_TESTED", json.dumps(connection))
        return WeAnalysisHook("tested").test_connection()

    yield test
    assert pauses == [], "there is no pause for a second try"


@pytest.mark.parametrize("auth", AUTHS)
def test_a_connection_that_works_tells_token_and_quota(tested, wechat_server, auth):
    life = "token of unknown life" if auth == "static" else "token good for 120 min"
    assert tested({"auth": auth}) == (
        True,
        f"Connected as {APPS[0]} (auth={auth}, {life}). Calls left today for daily_summary: 100,000 of 100,000.",
    )
    assert wechat_server.count("daily_summary") == 0, "no data call, which may not be ready"
    assert wechat_server.count() == (1 if auth == "static" else 2)


def test_a_host_in_capitals_gets_its_token(tested, wechat_server):
    assert tested(host=f"http://LocalHost:{wechat_server.port}")[0]


@pytest.mark.parametrize("quota", [None, {}, [], {"remain": "many", "daily_limit": 5}])
def test_a_quota_nobody_understands_is_no_failure(tested, wechat_server, quota):
    wechat_server.faults.add(faults.wrong_shape({"errcode": 0, "quota": quota}), endpoint="quota")
    ok, message = tested()
    assert ok
    assert message.endswith("WeChat did not say how many calls are left today for daily_summary.")


@pytest.mark.parametrize("code", REFUSED)
def test_what_wechat_refuses(tested, wechat_server, code):
    endpoint, advice = REFUSED[code]
    wechat_server.faults.add(faults.errcode(code), endpoint=endpoint, times=None)
    ok, message = tested()
    assert not ok
    assert f"WeChat answered {code} " in message
    before, _, after = advice.partition("RID")
    assert before in message
    assert after in message


def test_a_wrong_secret_is_found_by_the_server_itself(tested, wechat_server):
    wechat_server.apps.reset_secret(APPS[0], "the-right-one")
    ok, message = tested(password="the-wrong-one")
    assert not ok
    assert REFUSED[40125][1] in message
    assert "-one" not in message


def test_a_name_that_does_not_exist(tested):
    ok, message = tested(host="https://wechat.invalid")
    assert not ok
    assert "the connection to wechat.invalid failed: its name cannot be looked up" in message
    assert "Check host and proxies in the connection" in message


def test_nobody_listens(tested):
    port = free_port()
    assert tested(host=f"http://127.0.0.1:{port}") == (
        False,
        f"access token (auth=stable) of app {APPS[0]}: the connection to 127.0.0.1:{port} failed: nothing is listening "
        "there (connection refused). Check host and proxies in the connection, and that it can be reached from here.",
    )


def test_a_proxy_that_is_not_there(tested):
    port = free_port()
    ok, message = tested({"proxies": f"http://user:canary@127.0.0.1:{port}"}, host="https://api.weixin.qq.com")
    assert not ok
    assert "the proxy before api.weixin.qq.com failed: nothing is listening there" in message
    assert "Check proxies in the connection" in message
    assert "canary" not in message


def test_a_server_that_does_not_answer(tested, wechat_server, monkeypatch):
    monkeypatch.setattr(probe, "TIMEOUT", 0.2)
    wechat_server.faults.add(faults.hang(60), endpoint="quota")
    ok, message = tested({"timeout": 600})
    assert (ok, message) == (
        False,
        f"/cgi-bin/openapi/quota/get of app {APPS[0]}: 127.0.0.1:{wechat_server.port} did not answer within 0.2 s. "
        "Check that it can be reached from here, or raise timeout in the connection.",
    )


def test_an_answer_in_drops_is_not_waited_for(tested, wechat_server, monkeypatch):
    """Each drop is in time, so only the limit for everything ends it."""
    monkeypatch.setattr(probe, "PATIENCE", 0.5)
    wechat_server.faults.add(faults.slow_body(60), endpoint="token")
    ok, message = tested()
    assert (ok, message) == (
        False,
        f"{wechat_server.url}: no full answer within 0.5 s. Look for a slow proxy, network or DNS.",
    )
    left = [thread for thread in threading.enumerate() if thread.name == "weanalysis-probe"]
    assert all(thread.daemon for thread in left), "the process can end"
    wechat_server.stop()
    for thread in left:
        thread.join(10)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.not_json(), "the reply (68 bytes, text/html) is not JSON. Look for a proxy, firewall or login page"),
        (
            faults.http(302),
            "HTTP status 302 instead of 200. Redirects are not followed",
        ),
        (faults.http(404), "HTTP status 404 instead of 200. Nothing is there; check host"),
        (faults.http(405), "HTTP status 405 instead of 200. It is probably not WeChat's API"),
        (faults.http(502), "HTTP status 502 instead of 200."),
        (faults.reset(), "failed: Connection reset by peer."),
        (faults.wrong_shape([]), "the reply must be a JSON object, got list."),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_host_that_is_not_wechat(tested, wechat_server, fault, words):
    wechat_server.faults.add(fault, endpoint="token", times=None)
    ok, message = tested()
    assert not ok
    assert message.startswith(f"access token (auth=stable) of app {APPS[0]}: ")
    assert words in message


def test_tls_spoken_to_a_server_that_has_none(tested, wechat_server):
    ok, message = tested(host=f"https://127.0.0.1:{wechat_server.port}")
    assert not ok
    assert f"the TLS certificate or handshake of 127.0.0.1:{wechat_server.port} failed:" in message


def test_a_ca_bundle_that_is_not_there(tested):
    ok, message = tested({"verify": "/no/such/bundle.pem"}, host="https://127.0.0.1:1")
    assert not ok
    assert "invalid path: /no/such/bundle.pem. Check verify in the connection." in message


def test_the_token_server_wants_another_authorization(tested, wechat_server):
    wechat_server.central_authorization = "Bearer right"
    ok, message = tested({"auth": "central", "central_authorization": "Bearer canary"})
    assert not ok
    assert message == (
        f"access token (auth=central) of app {APPS[0]}: HTTP status 401 instead of 200. "
        "If it is your token server, check central_authorization in the connection."
    )


@pytest.mark.parametrize(
    ("extra", "fields", "message"),
    [
        ({}, {"login": ""}, "login is empty; it holds the mini program's AppID."),
        ({}, {"password": ""}, "password (AppSecret) is empty, but auth=stable needs it."),
        ({}, {"host": "http://api.weixin.qq.com"}, "host uses plain http to api.weixin.qq.com, so the secret"),
        (
            {},
            {"host": "api weixin"},
            "host must be a web address; look for a wrong port, a missing slash",
        ),
        ({"timeout": "soon"}, {}, "timeout must be a number from 0.001 to 600, got 'soon'."),
    ],
)
def test_a_field_that_cannot_work_is_named(tested, wechat_server, extra, fields, message):
    ok, found = tested(extra, **fields)
    assert not ok
    assert found.startswith(message), "the field first: the connection's id is random when the API server tests"
    assert wechat_server.count() == 0


def test_a_connection_that_serves_many_apps_is_tested_with_one(tested, wechat_server):
    fleet = {"auth": "central", "central_url": f"{wechat_server.url}/token/{{appid}}"}
    assert tested(fleet, login="") == (
        False,
        "login is empty, as it may be where a connection serves many apps (auth=central): name them in appids, or, to "
        "test the connection, put the AppID of one into login.",
    )
    ok, message = tested({"auth": "central"})
    assert ok, message
    ok, message = tested({"auth": "central", "central_url": f"{wechat_server.url}/token"}, login="")
    assert message == "login is empty; it holds the mini program's AppID.", "such a server knows one app only"


def test_an_extra_that_is_no_object(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_TESTED", '{"conn_type": "weanalysis", "login": "wx1", "extra": "[]"}')
    assert WeAnalysisHook("tested").test_connection() == (False, "extra must be a JSON object, got list.")


@pytest.mark.parametrize("fault", [None, faults.errcode(40243)], ids=["good", "frozen"])
def test_airflow_s_command_line(tested, wechat_server, monkeypatch, capsys, fault):
    """The command itself, without a process of its own; ``tests.browser`` runs that, and REST, and the button."""
    from airflow.cli.cli_parser import get_parser

    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")  # the command sets it for good
    tested()
    capsys.readouterr()
    if fault:
        wechat_server.faults.add(fault, endpoint="token")
    command = get_parser().parse_args(["connections", "test", "tested"])
    if fault is None:
        command.func(command)
        assert "Connection success!" in capsys.readouterr().out
    else:
        with pytest.raises(SystemExit, match="1"):
            command.func(command)
        assert "".join(REFUSED[40243][1].split()) in "".join(capsys.readouterr().out.split()), "except for line breaks"


def test_a_connection_that_is_not_there():
    ok, message = WeAnalysisHook("no_such_connection").test_connection()
    assert not ok
    assert "no_such_connection" in message


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("fault", [None, faults.errcode(40001), faults.http(500), faults.truncated()],
                         ids=lambda fault: getattr(fault, "name", "none"))  # fmt: skip
def test_no_secret_in_any_message(tested, wechat_server, caplog, auth, fault):
    wechat_server.central_authorization = "canary-authorization"
    if fault:
        wechat_server.faults.add(fault, endpoint="quota", times=None)
    ok, message = tested({"auth": auth, "central_authorization": "canary-authorization"})
    assert ok == (fault is None)
    secrets = [*wechat_server.tokens_issued, "canary-authorization", wechat_server.component_access_token]
    secrets += [wechat_server.apps.secret(APPS[0]), wechat_server.refresh_token(APPS[0])]
    assert [secret for secret in secrets if secret in message + caplog.text] == []


def test_a_name_server_that_does_not_answer(tested, monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE", 0.2)
    released = threading.Event()

    def stuck(*args, **kwargs):
        released.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    ok, message = tested(host="https://api.weixin.qq.com")
    released.set()
    assert (ok, message) == (
        False,
        "https://api.weixin.qq.com: no full answer within 0.2 s. Look for a slow proxy, network or DNS.",
    )
