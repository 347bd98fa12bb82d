"""The socket, the records, and what a user can change."""

from __future__ import annotations

import datetime as dt
import re
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
import requests

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing import WeChatServer, faults
from tests.testing.client import APP, NOW, OTHER, SPANS, Client, dates, performance, timestamp


def test_a_connection_serves_many_calls(client: Client) -> None:
    connection = HTTPConnection("127.0.0.1", client.server.port, timeout=10)
    try:
        connection.connect()
        first = connection.sock
        for path in ("/cgi-bin/token", "/nowhere", "/central/token/x"):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            assert isinstance(response, HTTPResponse)
            assert response.version == 11
            assert connection.sock is first
    finally:
        connection.close()


def test_replies_are_not_held_back(client: Client) -> None:
    """Nagle's algorithm would add some 40 ms to every reply; that it is off is seen on the server's own socket."""
    client.token()
    listener = client.server._listener
    assert listener is not None
    (connection,) = listener._open
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


CHUNKED = b"POST /datacube/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def statuses_of(client: Client, raw: bytes) -> list[int]:
    """Send bytes and return the statuses of all that comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        found = b"".join(iter(lambda: connection.recv(4096), b""))
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", found)]


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (b"", []),
        (b"\x00\xff\r\n\r\n", []),
        (b"GET http://[ HTTP/1.1\r\n\r\n", [400]),
        (b"GET //[::1 HTTP/1.1\r\n\r\n", [404]),
        (b"POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", [404]),
        (b"POST /x HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", [404]),
        *(
            (CHUNKED + chunk, [404])
            for chunk in (b"zz\r\n", b"fffffffffffffffffff\r\n", b"-5\r\n", b"0x1\r\n", b"1_0\r\n", b"")
        ),
        (CHUNKED + b"2;name=value\r\n{}\r\n0\r\n\r\nGET /y HTTP/1.1\r\n\r\n", [404, 404]),
        (CHUNKED + b"100000\r\n" + b"x" * 0x100000 + b"\r\n1\r\nx\r\n0\r\n\r\nGET /y HTTP/1.1\r\n\r\n", [404]),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_malformed_requests_are_refused_and_do_no_harm(
    client: Client, capfd: pytest.CaptureFixture[str], raw: bytes, statuses: list[int]
) -> None:
    assert statuses_of(client, raw) == statuses
    assert "errcode" not in client.ask("daily_summary")
    assert capfd.readouterr() == ("", "")


def test_clients_that_hang_up_leave_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with WeChatServer() as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /nowhere HTTP/1.1\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 404")  # so the server is waiting for the next request
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        end = time.monotonic() + 5
        while server._listener and server._listener._open and time.monotonic() < end:
            time.sleep(0.01)
    assert capfd.readouterr() == ("", "")


def test_sixteen_clients_at_once(wechat_server: WeChatServer) -> None:
    barrier = threading.Barrier(16)

    def work(number: int) -> list[str]:
        client = Client(wechat_server)
        with client.session:
            barrier.wait(10)
            appid = (APP, OTHER)[number % 2]
            return [client.send(name, dates(*SPANS[name]), appid).text for name in SPANS for _ in range(3)]

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(work, range(16)))
    assert len({tuple(replies) for replies in found[::2]}) == len({tuple(replies) for replies in found[1::2]}) == 1
    assert found[0] != found[1]
    calls = 8 * 3
    assert wechat_server.count("visit_page", APP) == calls
    assert wechat_server.count() == 16 * (1 + 3 * len(SPANS)) == len(wechat_server.calls)
    assert wechat_server.count("token") == 16
    assert len(wechat_server.tokens_issued) == 2
    assert wechat_server.quotas.report(ENDPOINTS["visit_page"].path, APP)["quota"]["used"] == calls
    assert len(wechat_server.served["visit_page", APP, "2026-03-02", "2026-03-02"]) == calls


def test_stop_hangs_up_and_start_begins_again() -> None:
    before = threading.active_count()
    server = WeChatServer(now=NOW)
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url
    server.start()
    with pytest.raises(RuntimeError, match="already running"):
        server.start()
    client = Client(server)
    with client.session:
        client.ask("daily_summary")
        port = server.port
        server.stop()
        server.stop()
        with pytest.raises(requests.ConnectionError):
            client.session.get(f"http://127.0.0.1:{port}/", timeout=10)
        with server:
            assert client.ask("daily_summary") == server.served["daily_summary", APP, "2026-03-02", "2026-03-02"][0]
    assert server.count("daily_summary") == 2
    assert threading.active_count() == before


def test_calls_are_recorded(client: Client, wechat_server: WeChatServer) -> None:
    client.token()
    client.ask("user_portrait_7d")
    client.ask("visit_page", "20260303")
    client.post(ENDPOINTS["visit_page"].path, None, data=b"{")
    client.session.get(f"{wechat_server.url}/nowhere?secret=x", timeout=10)
    token, portrait, refused, broken, lost = wechat_server.calls
    assert (token.endpoint, token.appid, token.status, token.errcode) == ("token", APP, 200, 0)
    assert (portrait.endpoint, portrait.appid) == ("user_portrait_7d", APP)
    assert portrait.body == dates("20260224", "20260302")
    assert portrait.headers["content-type"] == "application/json"
    assert (refused.endpoint, refused.errcode) == ("visit_page", 61501)
    assert (broken.endpoint, broken.appid, broken.errcode, broken.body) == ("visit_page", None, 41001, None)
    assert (lost.endpoint, lost.path, lost.status) == (None, "/nowhere", 404)
    assert wechat_server.apps.secret(APP) not in repr(wechat_server.calls)
    assert client.token() not in repr(wechat_server.calls)


def test_count(client: Client, wechat_server: WeChatServer) -> None:
    client.ask("visit_page")
    client.ask("visit_page", appid=OTHER)
    client.legacy()
    assert wechat_server.count() == 5
    assert wechat_server.count("token") == 3
    assert wechat_server.count("visit_page") == 2
    assert wechat_server.count("visit_page", OTHER) == wechat_server.count("token", OTHER) == 1
    assert wechat_server.count("daily_summary") == wechat_server.count("quota") == 0
    with pytest.raises(ValueError, match="no endpoint"):
        wechat_server.count("visit_pages")


def test_served_replies_are_kept(client: Client, wechat_server: WeChatServer) -> None:
    first = client.ask("monthly_retain")
    wechat_server.faults.add(faults.http(500))
    wechat_server.faults.add(faults.errcode(-1))
    client.send("monthly_retain", dates(*SPANS["monthly_retain"]))
    client.ask("monthly_retain")
    wechat_server.override("monthly_retain", APP, "2026-02-01", {**first, "visit_uv": []})
    second = client.ask("monthly_retain")
    assert wechat_server.served == {("monthly_retain", APP, "2026-02-01", "2026-02-28"): [first, second]}


def test_every_part_of_a_performance_day_is_served_once(client: Client, wechat_server: WeChatServer) -> None:
    for module in ("10016", "10022"):
        client.send("performance_data", performance(timestamp("2026-03-01"), timestamp("2026-03-01", 23), module))
    assert len(wechat_server.served["performance_data", APP, "2026-03-01", "2026-03-01"]) == 2


def test_override_with_a_reply(client: Client, wechat_server: WeChatServer) -> None:
    corrected = {"list": [{"ref_date": "20260302", "visit_total": 1}]}
    wechat_server.override("daily_summary", APP, dt.date(2026, 3, 2), corrected)
    assert client.ask("daily_summary") == corrected
    assert client.ask("daily_summary", "20260301") != corrected
    assert client.ask("daily_summary", appid=OTHER) != corrected
    assert "errcode" in client.ask("daily_summary", "20260303")


def test_override_with_a_function(client: Client, wechat_server: WeChatServer) -> None:
    normal = client.ask("visit_page")

    def without_first(reply: dict[str, Any]) -> dict[str, Any]:
        del reply["list"][0]
        reply["list"][0]["page_new"] = 1
        return reply

    wechat_server.override("visit_page", APP, "2026-03-02", without_first)
    for _ in range(2):
        changed = client.ask("visit_page")
        assert len(changed["list"]) == len(normal["list"]) - 1
        assert changed["list"][0] == {**normal["list"][1], "page_new": 1}
    with pytest.raises(ValueError, match="no endpoint"):
        wechat_server.override("visit_pages", APP, "2026-03-02", {})


def test_connection(client: Client, wechat_server: WeChatServer) -> None:
    connection = wechat_server.connection(APP, timeout=5)
    assert connection == {
        "conn_type": "weanalysis",
        "login": APP,
        "password": wechat_server.apps.secret(APP),
        "host": wechat_server.url,
        "extra": {"timeout": 5},
    }
    assert wechat_server.connection(APP, auth="central")["extra"] == {
        "auth": "central",
        "central_url": f"{wechat_server.url}/central/token/{{appid}}",
    }
    authorizer = wechat_server.connection(APP, auth="authorizer")["extra"]
    assert authorizer["authorizer_refresh_token"] == wechat_server.refresh_token(APP)
    static = wechat_server.connection(APP, auth="static")["extra"]
    assert client.works(static["access_token"]) == 0
    assert wechat_server.connection(APP, auth="static", access_token="x")["extra"]["access_token"] == "x"


def test_secrets_of_given_apps() -> None:
    server = WeChatServer({APP: "s3cret"})
    assert server.apps.secret(APP) == "s3cret"
    with pytest.raises(ValueError, match="does not know the app"):
        server.connection(OTHER)
    with pytest.raises(ValueError, match="not_ready"):
        WeChatServer(not_ready="maybe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no time zone"):
        WeChatServer(now=dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_figures_can_be_looked_up(client: Client, wechat_server: WeChatServer) -> None:
    visits = wechat_server.figures(APP, dt.date(2026, 2, 23), dt.date(2026, 3, 1))
    assert visits is not None
    assert client.ask("weekly_visit_trend")["list"][0]["visit_uv"] == visits.visit_uv
    assert wechat_server.figures(APP, dt.date(2016, 1, 1)) is None


def test_latency_delays_but_answers(client: Client, wechat_server: WeChatServer) -> None:
    expected = client.ask("daily_summary")
    wechat_server.latency = 0.01
    assert client.ask("daily_summary") == expected
    wechat_server.latency = 600
    with pytest.raises(requests.Timeout):
        client.send("daily_summary", dates(*SPANS["daily_summary"]), timeout=0.1)
