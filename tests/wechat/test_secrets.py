"""Tokens and AppSecrets stay out of every text. What a whole test run writes is searched by tests/support/canary.py."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import signal
import sqlite3
import threading
import time
import traceback
from typing import Any

import pytest
import requests
import rich.traceback

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError, TransportError, WeAnalysisError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.operators.weanalysis import WeAnalysisDailySummaryOperator
from airflow_provider_wxanalysis.periods import DAY
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.testing import CANARY, WeChatServer, faults
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.support.canary import Leaks, search, shown

AUTHS = ("stable", "legacy", "static", "central", "authorizer")
AUTHORIZATION = f"Bearer {CANARY}"


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize(
    "fault",
    [faults.errcode(40001), faults.errcode(61503), faults.http(500), faults.truncated(), faults.not_json(),
     faults.reset(), faults.hang(30), faults.wrong_shape({"list": [1]}),
     faults.wrong_shape({"access_token": CANARY + " "})],
    ids=lambda fault: fault.name,
)  # fmt: skip
@pytest.mark.parametrize("where", [None, "token"])
def test_no_error_holds_a_secret(hook, wechat_server, yesterday, pauses, auth, fault, where):
    wechat_server.central_authorization = AUTHORIZATION
    app = hook(auth=auth, timeout=0.2, central_authorization=AUTHORIZATION)
    wechat_server.faults.add(fault, endpoint=where, times=None)
    try:
        app.fetch("daily_summary", yesterday)
    except WeAnalysisError as error:
        text = shown(error)
    else:
        text = ""
        assert (auth, where) == ("static", "token")
    assert CANARY not in text


def with_variables(error):
    """What rich and structlog print of a traceback with the variables of every frame."""
    trace = rich.traceback.Traceback.extract(type(error), error, error.__traceback__, show_locals=True)
    variables = [
        f"{name} = {node}"
        for stack in trace.stacks
        for frame in stack.frames
        for name, node in (frame.locals or {}).items()
    ]
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return "\n".join([*variables, *(stack.exc_value for stack in trace.stacks), *lines])


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("where", [None, "token"])
@pytest.mark.parametrize("way", ["fetch", "fetch_many", "post"])
def test_no_frame_of_an_error_holds_a_secret(hook, wechat_server, yesterday, pauses, auth, where, way):
    wechat_server.central_authorization = AUTHORIZATION
    app = hook(auth=auth, central_authorization=AUTHORIZATION)
    if (auth, where) == ("static", "token"):
        where = None
    ways = {
        "fetch": lambda: app.fetch("daily_summary", yesterday),
        "fetch_many": lambda: list(app.fetch_many("daily_summary", [yesterday] * 3)),
        "post": lambda: app.post(ENDPOINTS["daily_summary"].path, {}),
    }
    for fault in (faults.reset(), faults.errcode(48001), faults.not_json(), faults.wrong_shape([])):
        wechat_server.faults.clear()
        wechat_server.faults.add(fault, endpoint=where, times=None)
        with pytest.raises(WeAnalysisError) as raised:
            ways[way]()
        assert [line[:150] for line in with_variables(raised.value).splitlines() if CANARY in line] == []
        assert len(traceback.extract_tb(raised.value.__traceback__)) <= 10
        app.close()


@pytest.mark.parametrize("auth", ["stable", "legacy", "central", "authorizer"])
@pytest.mark.parametrize("where", [None, "token"])
def test_no_frame_holds_one_when_the_task_is_ended(hook, wechat_server, yesterday, auth, where):
    """As SIGTERM and execution_timeout do, in the middle of a call."""

    class EndedError(Exception):
        pass

    def end(*_):
        raise EndedError

    wechat_server.central_authorization = AUTHORIZATION
    wechat_server.faults.add(faults.hang(60), endpoint=where, times=None)
    app, former = hook(auth=auth, central_authorization=AUTHORIZATION), signal.signal(signal.SIGUSR1, end)

    def when_asked():
        while not wechat_server.count(where or "daily_summary"):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    killer = threading.Thread(target=when_asked)
    killer.start()
    try:
        with pytest.raises(EndedError) as raised:
            app.fetch("daily_summary", yesterday)
    finally:
        signal.signal(signal.SIGUSR1, former)
        killer.join()
    assert [line[:150] for line in with_variables(raised.value).splitlines() if CANARY in line] == []


@pytest.mark.parametrize("field", ["password", "login", "access_token", "proxies", "central_authorization"])
def test_no_frame_of_a_connection_that_is_refused(monkeypatch, field):
    broken = {field: f"{CANARY}\n"}
    fields: dict[str, Any] = {"conn_type": "weanalysis", "login": "wx1", "password": CANARY}
    fields["extra"] = {"access_token": CANARY}
    change = fields if field in ("password", "login") else fields["extra"]
    change |= broken
    monkeypatch.setenv("AIRFLOW_CONN_REFUSED", json.dumps(fields))
    del broken, fields, change  # which are this frame's
    with pytest.raises(ConfigurationError) as raised:
        WeAnalysisHook("refused").fetch("daily_summary", DAY.latest(dt.date(2026, 3, 1)))
    assert [line[:150] for line in with_variables(raised.value).splitlines() if CANARY in line] == []


@pytest.mark.parametrize("where", [None, "token"])
def test_what_is_echoed_is_replaced(hook, wechat_server, yesterday, pauses, caplog, where):
    app = hook()
    token, secret = app.client.token(), app.client.settings.secret
    app.client.tokens.discard(token)
    reply = {"errcode": -1, "errmsg": f"invalid {token} or {secret}, rid: 5f-{token[:8]}"}
    wechat_server.faults.add(faults.wrong_shape(reply), endpoint=where or "daily_summary", times=None)
    with pytest.raises(WeAnalysisError, match=r"invalid \[redacted\] or \[redacted\]") as raised:
        app.fetch("daily_summary", yesterday)
    assert CANARY not in shown(raised.value) + caplog.text


def test_a_path_cannot_lead_elsewhere(hook, wechat_server):
    with WeChatServer() as other:
        for path in (f"@127.0.0.1:{other.port}/x", "cgi-bin/x", f".{other.port}", "", "/a b", "/x\r\nHost: y"):
            with pytest.raises(ConfigurationError, match="path must begin with /"):
                hook().post(path, {})
        assert other.calls == wechat_server.calls == []


@pytest.mark.parametrize("auth", AUTHS)
def test_no_object_shows_a_secret(hook, wechat_server, yesterday, connect, auth):
    wechat_server.central_authorization = AUTHORIZATION
    app = hook(auth=auth, central_authorization=AUTHORIZATION)
    rows = app.fetch("daily_summary", yesterday)
    client = app.client
    tasks: list[Any] = [
        WeAnalysisDailySummaryOperator(task_id="a"),
        WeAnalysisDataSensor(task_id="b", endpoint="daily_summary"),
        WeAnalysisToBigQueryOperator(task_id="c", endpoint="daily_summary", destination_project_dataset_table="p.d.t"),
    ]
    for task in tasks:
        for each in task.hooks().values():
            each._settings  # noqa: B018 (it reads the connection)
    objects = [app, app.get_conn(), client, client.settings, client.tokens, client.tokens.describe(), rows]
    objects += [wechat_server, wechat_server.calls, *tasks, [vars(task) for task in tasks]]
    assert CANARY in client.token(), "or this test finds nothing"
    assert [each for each in objects if CANARY in shown(each)] == []


@pytest.mark.parametrize("where", [None, "token"])
@pytest.mark.parametrize("auth", AUTHS)
def test_no_redirect_is_followed(hook, wechat_server, yesterday, auth, where):
    with WeChatServer() as other:
        wechat_server.faults.add(faults.redirect(f"{other.url}/elsewhere"), endpoint=where, times=None)
        app = hook(auth=auth)
        if (auth, where) == ("static", "token"):
            app.fetch("daily_summary", yesterday)
        else:
            with pytest.raises(TransportError, match="HTTP status 307"):
                app.fetch("daily_summary", yesterday)
        assert other.calls == []


def test_a_session_that_follows_one_takes_no_token_along(hook, wechat_server):
    with WeChatServer() as other:
        wechat_server.faults.add(faults.redirect(f"{other.url}/cgi-bin/openapi/quota/get"), endpoint="quota")
        hook().get_conn().post(f"{wechat_server.url}/cgi-bin/openapi/quota/get", json={})
        assert [call.errcode for call in other.calls] == [41001], "no token came"


def test_a_session_s_replies_and_errors_show_no_token(hook, wechat_server, caplog):
    """Neither the address of a reply nor what ``raise_for_status`` and a lost connection say of it."""
    caplog.set_level(logging.DEBUG)
    session, url = hook().get_conn(), f"{wechat_server.url}/cgi-bin/nowhere"
    reply = session.post(url, json={})
    assert CANARY not in reply.url
    with pytest.raises(requests.HTTPError, match=r"404 .*/cgi-bin/nowhere") as refused:
        reply.raise_for_status()
    wechat_server.stop()
    with pytest.raises(requests.ConnectionError, match="/cgi-bin/nowhere") as lost:
        session.post(url, json={})
    assert CANARY not in shown(refused.value) + shown(lost.value) + caplog.text


def test_a_url_s_query_is_cut_to_its_end(hook, wechat_server, yesterday, monkeypatch, pauses):
    wechat_server.stop()
    app = hook_with_central_url(monkeypatch, f"http://127.0.0.1:9/token?a='x')&key=({CANARY}")
    with pytest.raises(TransportError) as caught, app:
        app.fetch("daily_summary", yesterday)
    assert CANARY not in shown(caught.value)
    wechat_server.start()


def hook_with_central_url(monkeypatch, url):
    extra = {"auth": "central", "central_url": url}
    connection = {"conn_type": "weanalysis", "login": "wx1", "host": "http://127.0.0.1:9", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_CENTRAL", json.dumps(connection))
    return WeAnalysisHook("central")


@pytest.mark.parametrize("field", ["password", "login"])
def test_a_connection_that_is_refused_shows_no_secret(field):
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_wxanalysis.wechat.settings import Settings

    fields: dict[str, Any] = {"login": "wx1", "password": CANARY, field: f"{CANARY}\n"}
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_connection(Connection(conn_id="c", conn_type="weanalysis", **fields))
    assert CANARY not in shown(caught.value)


class TestTheSearch:
    """It finds what it is there to find."""

    def test_log_records_and_their_exceptions(self):
        leaks = Leaks()
        try:
            raise ValueError(CANARY)
        except ValueError:
            record = logging.LogRecord("name", logging.DEBUG, "path", 1, "message %s", ("plain",), None)
            leaks.handle(record)
            assert leaks.take() == []
            record.exc_info = __import__("sys").exc_info()
            leaks.handle(record)
        assert len(leaks.take()) == 1

    def test_files_and_databases(self, tmp_path):
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs/task.log").write_bytes(b"\xff" + CANARY.encode())
        with sqlite3.connect(tmp_path / "airflow.db") as database:
            database.executescript(f"""
                CREATE TABLE xcom (value TEXT); INSERT INTO xcom VALUES ('a {CANARY}');
                CREATE TABLE connection (password TEXT); INSERT INTO connection VALUES ('{CANARY}');
            """)
        database.close()
        found = sorted(search(tmp_path))
        assert len(found) == 2
        assert "table xcom" in found[0]
        assert "task.log" in found[1]

    def test_chains_of_exceptions(self):
        inner = requests.ConnectionError(CANARY)
        outer = TransportError("plain")
        assert CANARY not in shown(outer)
        outer.__context__ = inner
        assert CANARY in shown(outer)
