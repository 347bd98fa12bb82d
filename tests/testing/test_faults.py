"""Every misbehaviour, seen from a plain client."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests

from airflow_provider_wxanalysis.testing import WeChatServer, answers, faults
from tests.testing.client import APP, NOW, OTHER, SPANS, Client, dates, performance, timestamp

PERFORMANCE = performance(timestamp("2026-03-01"), timestamp("2026-03-02"))


@pytest.mark.parametrize("code", sorted(answers.ERRMSGS))
def test_errcode(client: Client, wechat_server: WeChatServer, code: int) -> None:
    wechat_server.faults.add(faults.errcode(code), endpoint="daily_summary")
    reply = client.ask("daily_summary")
    assert reply["errcode"] == code
    assert reply["errmsg"].startswith(answers.ERRMSGS[code])
    assert "errcode" not in client.ask("daily_summary")


def test_an_unknown_errcode(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.faults.add(faults.errcode(12345))
    assert client.ask("visit_page")["errcode"] == 12345


@pytest.mark.parametrize("status", [301, 404, 412, 429, 500, 502, 503, 599])
def test_http(client: Client, wechat_server: WeChatServer, status: int) -> None:
    wechat_server.faults.add(faults.http(status, "sorry"))
    response = client.send("daily_summary", dates(*SPANS["daily_summary"]), allow_redirects=False)
    assert (response.status_code, response.text) == (status, "sorry")
    assert wechat_server.calls[-1].status == status


def test_truncated(client: Client, wechat_server: WeChatServer) -> None:
    client.token()
    wechat_server.faults.add(faults.truncated())
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        client.ask("visit_page")
    assert not wechat_server.served
    assert "errcode" not in client.ask("visit_page")


def test_not_json(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.faults.add(faults.not_json())
    response = client.send("daily_summary", dates(*SPANS["daily_summary"]))
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()


@pytest.mark.parametrize("reply", [[], None, 7, "x", {"list": {}}, {"errcode": "61503"}])
def test_wrong_shape(client: Client, wechat_server: WeChatServer, reply: Any) -> None:
    wechat_server.faults.add(faults.wrong_shape(reply))
    assert client.ask("daily_summary") == reply


def test_reset(client: Client, wechat_server: WeChatServer) -> None:
    client.token()
    wechat_server.faults.add(faults.reset())
    with pytest.raises(requests.ConnectionError, match="reset"):
        client.ask("daily_summary")
    assert wechat_server.calls[-1].status == 0
    assert "errcode" not in client.ask("daily_summary")


def test_reset_mid_body(client: Client, wechat_server: WeChatServer) -> None:
    client.token()
    wechat_server.faults.add(faults.reset_mid_body())
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        client.ask("visit_page")
    assert not wechat_server.served
    assert "errcode" not in client.ask("visit_page")


@pytest.mark.parametrize(("pause", "piece"), [(0.001, b" "), (0, b" " * 1000)])
def test_endless(client: Client, wechat_server: WeChatServer, pause: float, piece: bytes) -> None:
    wechat_server.faults.add(faults.endless(pause))
    with client.send("daily_summary", dates(*SPANS["daily_summary"]), stream=True) as response:
        pieces = response.iter_content(len(piece))
        assert {next(pieces) for _ in range(20)} == {piece}
    assert not wechat_server.served


def test_raw(client: Client, wechat_server: WeChatServer) -> None:
    client.token()
    wechat_server.faults.add(faults.raw(lambda body: b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n" + body[:9]))
    response = client.send("daily_summary", dates(*SPANS["daily_summary"]))
    assert (dict(response.headers), len(response.content)) == ({"X": "y"}, 9)
    assert not wechat_server.served
    assert "errcode" not in client.ask("daily_summary")


@pytest.mark.parametrize(("pause", "piece"), [(0.001, b"ab"), (0, b"ab" * 500)])
def test_raw_without_end(client: Client, wechat_server: WeChatServer, pause: float, piece: bytes) -> None:
    wechat_server.faults.add(faults.raw(lambda body: b"HTTP/1.1 200 OK\r\n\r\n", b"ab", pause))
    with client.send("daily_summary", dates(*SPANS["daily_summary"]), stream=True) as response:
        pieces = response.iter_content(len(piece))
        assert {next(pieces) for _ in range(20)} == {piece}


def test_redirect(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.faults.add(faults.redirect("https://elsewhere.example/"))
    response = client.send("daily_summary", dates(*SPANS["daily_summary"]), allow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (307, "https://elsewhere.example/")


@pytest.mark.parametrize(
    "fault", [faults.hang(600), faults.slow_body(600), faults.endless(600)], ids=lambda fault: fault.name
)
def test_what_takes_long_ends_with_the_server(fault: faults.Fault) -> None:
    before = threading.active_count()
    with WeChatServer(now=NOW) as server:
        client = Client(server)
        with client.session:
            client.token()
            server.faults.add(fault)
            with pytest.raises((requests.Timeout, requests.ConnectionError), match="timed out"):
                client.send("daily_summary", dates(*SPANS["daily_summary"]), timeout=0.2)
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.parametrize("fault", [faults.hang(0.05), faults.slow_body(0.05)], ids=lambda fault: fault.name)
def test_what_takes_long_still_answers(client: Client, wechat_server: WeChatServer, fault: faults.Fault) -> None:
    expected = client.ask("visit_page")
    wechat_server.faults.add(fault)
    assert client.ask("visit_page") == expected


@pytest.mark.parametrize("endpoint", SPANS)
def test_empty(client: Client, wechat_server: WeChatServer, endpoint: str) -> None:
    wechat_server.faults.add(faults.empty())
    reply = client.ask(endpoint)
    lists = [reply["list"]] if "list" in reply else [reply["visit_uv_new"], reply["visit_uv"]]
    assert not any(any(part.values()) if isinstance(part, dict) else part for part in lists)
    assert client.ask(endpoint) != reply


@pytest.mark.parametrize("endpoint", [*SPANS, "performance_data"])
def test_wrong_ref_date(client: Client, wechat_server: WeChatServer, endpoint: str) -> None:
    def ask() -> str:
        if endpoint == "performance_data":
            return client.send(endpoint, PERFORMANCE).text
        return client.send(endpoint, dates(*SPANS[endpoint])).text

    normal = ask()
    wechat_server.faults.add(faults.wrong_ref_date())
    assert ask() == normal.replace("2026", "2025", 1 if endpoint != "performance_data" else -1)
    assert ask() == normal


@pytest.mark.parametrize("endpoint", SPANS)
def test_duplicated_rows(client: Client, wechat_server: WeChatServer, endpoint: str) -> None:
    normal = client.ask(endpoint)
    wechat_server.faults.add(faults.duplicated_rows())
    twice = client.ask(endpoint)
    if "list" in normal:
        assert twice == {**normal, "list": normal["list"] * 2}
    elif endpoint.endswith("retain"):
        assert twice["visit_uv"] == normal["visit_uv"] * 2
    else:
        assert twice["visit_uv"]["ages"] == normal["visit_uv"]["ages"] * 2


def test_wrong_content_type(client: Client, wechat_server: WeChatServer) -> None:
    expected = client.ask("daily_summary")
    wechat_server.faults.add(faults.wrong_content_type())
    response = client.send("daily_summary", dates(*SPANS["daily_summary"]))
    assert (response.headers["Content-Type"], response.json()) == ("text/plain", expected)


def test_faults_of_tokens_leave_data_alone_and_the_other_way_round(client: Client, wechat_server: WeChatServer) -> None:
    client.token()
    wechat_server.faults.add(faults.errcode(-1), endpoint="token", times=2)
    wechat_server.faults.add(faults.errcode(61504), times=None)
    assert client.ask("daily_summary")["errcode"] == 61504
    assert client.stable()["errcode"] == -1
    assert client.legacy()["errcode"] == -1
    assert "access_token" in client.stable()
    quota = client.post("/cgi-bin/openapi/quota/get", client.token(), json={"cgi_path": "/"})
    assert quota.json()["errcode"] == 76021
    assert client.ask("visit_page")["errcode"] == 61504


def test_faults_of_one_app_for_some_calls(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.faults.add(faults.errcode(45011), endpoint="visit_page", appid=OTHER, times=2)
    assert "errcode" not in client.ask("visit_page", appid=APP)
    assert "errcode" not in client.ask("daily_summary", appid=OTHER)
    assert [client.ask("visit_page", appid=OTHER).get("errcode", 0) for _ in range(3)] == [45011, 45011, 0]


def test_faults_for_ever_until_cleared(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.faults.add(faults.errcode(-1), times=None)
    assert {client.ask("daily_summary")["errcode"] for _ in range(5)} == {-1}
    wechat_server.faults.clear()
    assert "errcode" not in client.ask("daily_summary")


def test_faults_come_in_order_one_per_call(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.faults.add(faults.errcode(-1))
    wechat_server.faults.add(faults.errcode(61504))
    assert [client.ask("daily_summary").get("errcode", 0) for _ in range(3)] == [-1, 61504, 0]


def test_faults_that_change_figures_wait_for_some(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.faults.add(faults.empty())
    assert client.ask("daily_summary", "20260303")["errcode"] == 61501
    assert client.ask("daily_summary") == {"list": []}


def test_a_mistyped_endpoint_is_an_error(wechat_server: WeChatServer) -> None:
    with pytest.raises(ValueError, match="no endpoint 'daily_sumary'"):
        wechat_server.faults.add(faults.reset(), endpoint="daily_sumary")
