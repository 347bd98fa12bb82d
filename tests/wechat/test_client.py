"""Calls over a real socket: what is sent, what is tried again, and what becomes which error."""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import replace

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import (
    DataNotReadyError,
    DateRangeError,
    NotAuthorizedError,
    PayloadError,
    QuotaExceededError,
    RateLimitError,
    ServiceBusyError,
    TransportError,
    UnknownAPIError,
)
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.wechat.patience import ATTEMPTS
from tests.support.servers import free_port

MENDED = {
    "busy": faults.errcode(-1),
    "busy (61504)": faults.errcode(61504),
    "rate limit": faults.errcode(45011),
    "http 500": faults.http(500),
    "http 503": faults.http(503, "<html>"),
    "http 429": faults.http(429),
    "truncated": faults.truncated(),
    "not json": faults.not_json(),
    "reset": faults.reset(),
}


def test_what_is_sent(hook, wechat_server, yesterday):
    hook().fetch("visit_page", yesterday)
    call = wechat_server.calls[-1]
    assert call.headers["content-length"].isdigit()
    assert "transfer-encoding" not in call.headers
    assert call.headers["content-type"] == "application/json; charset=utf-8"
    assert call.headers["user-agent"].startswith("airflow-provider-wxanalysis/")
    assert call.body == {"begin_date": f"{yesterday.begin_date:%Y%m%d}", "end_date": f"{yesterday.end_date:%Y%m%d}"}


@pytest.mark.parametrize("fault", MENDED.values(), ids=MENDED)
def test_what_a_retry_mends_is_tried_again(hook, wechat_server, yesterday, pauses, fault):
    wechat_server.faults.add(fault, times=ATTEMPTS - 1)
    assert hook().fetch("daily_summary", yesterday)
    assert wechat_server.count("daily_summary") == ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1


@pytest.mark.parametrize("fault", MENDED.values(), ids=MENDED)
def test_what_stays_broken_becomes_an_error(hook, wechat_server, yesterday, pauses, fault):
    wechat_server.faults.add(fault, times=None)
    expected = (ServiceBusyError, RateLimitError, TransportError)
    with pytest.raises(expected, match="daily_summary") as caught:
        hook().fetch("daily_summary", yesterday)
    assert wechat_server.count("daily_summary") == ATTEMPTS
    assert caught.value.retryable, "Airflow may try again, minutes later"


def test_the_rate_limit_is_waited_out_for_a_minute(hook, wechat_server, yesterday, pauses):
    wechat_server.faults.add(faults.errcode(45011), times=2)
    hook().fetch("daily_summary", yesterday)
    assert all(60 <= pause <= 75 for pause in pauses)
    assert len(set(pauses)) == 2, "with jitter, so that tasks do not knock together"


def test_other_pauses_grow_from_a_second(hook, wechat_server, yesterday, pauses):
    wechat_server.faults.add(faults.errcode(-1), times=4)
    hook().fetch("daily_summary", yesterday)
    assert all(2**n <= pause <= 2**n + 1 for n, pause in enumerate(pauses))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (61503, DataNotReadyError),
        (61501, DateRangeError),
        (45009, QuotaExceededError),
        (48001, NotAuthorizedError),
        (12345, UnknownAPIError),
    ],
)
def test_everything_else_surfaces_at_once(hook, wechat_server, yesterday, pauses, code, error):
    wechat_server.faults.add(faults.errcode(code), times=None)
    with pytest.raises(error) as caught:
        hook().fetch("daily_summary", yesterday)
    assert (caught.value.errcode, caught.value.endpoint, caught.value.period) == (code, "daily_summary", yesterday)
    assert str(yesterday) in str(caught.value)
    assert wechat_server.count("daily_summary") == 1
    assert pauses == []


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (faults.http(412), TransportError, "Content-Length"),
        (faults.http(302), TransportError, "HTTP status 302"),
        (faults.http(404), TransportError, "HTTP status 404"),
        (faults.wrong_shape([]), PayloadError, "must be a JSON object, got list"),
        (faults.wrong_shape({"list": None}), PayloadError, "list must be an array, got None"),
        (faults.wrong_shape({"errcode": "x"}), PayloadError, "errcode of WeChat's reply must be a number"),
        (faults.wrong_ref_date(), PayloadError, "ref_date must be .*, which was asked for, got"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_replies_that_no_retry_mends(hook, wechat_server, yesterday, pauses, fault, error, message):
    wechat_server.faults.add(fault, times=None)
    with pytest.raises(error, match=message):
        hook().fetch("daily_summary", yesterday)
    assert wechat_server.count("daily_summary") == 1


def test_a_number_that_json_does_not_have_is_a_broken_body(hook, wechat_server, yesterday, pauses):
    wechat_server.faults.add(faults.http(200, '{"list": NaN}'), times=1)
    assert hook().fetch("daily_summary", yesterday)
    assert len(pauses) == 1


def test_a_wrong_content_type_is_no_matter(hook, wechat_server, yesterday):
    wechat_server.faults.add(faults.wrong_content_type(), times=None)
    assert hook().fetch("daily_summary", yesterday)


def test_silence_ends(hook, wechat_server, yesterday, pauses):
    wechat_server.faults.add(faults.hang(30), times=None)
    with pytest.raises(TransportError, match="did not answer within 0.1 s"):
        hook(timeout=0.1).fetch("daily_summary", yesterday)
    assert len(pauses) == ATTEMPTS - 1


def test_nobody_listens(wechat_server, connect, yesterday, pauses, monkeypatch):
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook

    connect(wechat_server)
    monkeypatch.setenv(
        "AIRFLOW_CONN_WEANALYSIS_DEFAULT",
        f'{{"conn_type": "weanalysis", "login": "wx1", "password": "s", "host": "http://127.0.0.1:{free_port()}"}}',
    )
    hook = WeAnalysisHook()
    words = r"access token \(auth=stable\) of app wx1: the connection to 127.0.0.1:\d+ failed"
    with pytest.raises(TransportError, match=words):
        hook.fetch("daily_summary", yesterday)
    hook.close()


def test_requests_keep_their_pace(hook, wechat_server, yesterday, pauses, monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)  # stands still, as sleeps cost nothing here
    list(hook(requests_per_minute=60, max_concurrency=1).fetch_many("daily_summary", [yesterday] * 5))
    assert pauses == [1, 2, 3, 4], "a second apart, from the first"


def test_the_token_goes_to_the_api_s_host_only(hook, wechat_server):
    from airflow_provider_wxanalysis.testing import WeChatServer

    with WeChatServer() as other:
        hook().get_conn().post(f"{other.url}/cgi-bin/openapi/quota/get", json={})
    assert other.calls[-1].errcode == 41001, "no token came"
    assert wechat_server.count("token") == 0


def test_no_library_logs_a_query(hook, wechat_server, yesterday, caplog, capsys, monkeypatch):
    """At no level, with http.client's printing switched on, and for a reply with a broken header."""
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
    app = hook(auth="legacy")
    broken = {"X-Broken": "1\r\nno colon in here"}
    wechat_server.faults.add(faults.Fault("header", lambda answer, _: replace(answer, headers=broken)), times=None)
    with caplog.at_level(logging.DEBUG):
        assert app.fetch("daily_summary", yesterday)
        app.get_conn().post(f"{wechat_server.url}/cgi-bin/openapi/quota/get", json={})
    texts = [record.getMessage() for record in caplog.records if record.name.startswith("urllib3")]
    assert any("?[redacted]" in text for text in texts)
    assert not any(re.search("access_token=|secret=", text) for text in texts)


def test_many_requests_are_in_flight_and_come_in_order(hook, wechat_server):
    app = hook(max_concurrency=8)
    wechat_server.latency = 0.02
    running, most = 0, 0
    lock = threading.Lock()
    ask = app.client.ask

    def counted(*args, **kwargs):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return ask(*args, **kwargs)
        finally:
            with lock:
                running -= 1

    app.client.ask = counted
    endpoint = ENDPOINTS["daily_summary"]
    last = endpoint.window.latest(wechat_server.now.date()).begin_date.toordinal() - 1
    periods = [endpoint.window.ending(type(wechat_server.now.date()).fromordinal(last - n)) for n in range(40)]
    assert [period for period, _ in app.fetch_many(endpoint, iter(periods))] == periods
    assert 4 < most <= 8


def test_memory_is_bounded_by_how_far_the_reader_is(hook, wechat_server, yesterday):
    taken = []

    def periods():
        for number in range(1000):
            taken.append(number)
            yield yesterday

    reports = hook(max_concurrency=4).fetch_many("daily_summary", periods())
    next(reports)
    time.sleep(0.05)
    assert len(taken) <= 10
    reports.close()
    assert wechat_server.count("daily_summary") <= 10


def test_a_period_asked_for_twice_comes_twice(hook, yesterday):
    assert len(list(hook().fetch_many("daily_summary", [yesterday, yesterday]))) == 2


def test_a_failure_comes_in_its_turn_and_ends_the_rest(hook, wechat_server, yesterday):
    wechat_server.faults.add(faults.errcode(61501), times=None)
    with pytest.raises(DateRangeError):
        list(hook().fetch_many("daily_summary", [yesterday] * 500))
    assert wechat_server.count("daily_summary") <= 16
