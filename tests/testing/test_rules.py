"""Which questions the server takes."""

from __future__ import annotations

import datetime as dt
from http.client import HTTPConnection
from typing import Any

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing import WeChatServer, answers, rules
from airflow_provider_wxanalysis.wechat.remedies import ERRCODES
from tests.testing.client import APP, SPANS, Client, dates, performance, timestamp

PATHS = sorted({endpoint.path for endpoint in ENDPOINTS.values()})


@pytest.mark.parametrize("path", [*PATHS, "/cgi-bin/openapi/quota/get"])
def test_requests_that_are_none(client: Client, path: str) -> None:
    token = client.token()
    get = client.session.get(client.server.url + path, params={"access_token": token}, timeout=10)
    assert get.json()["errcode"] == 43002
    for body, errcode in (
        (b"", 44002),
        (b"  ", 44002),
        (b"{", 47001),
        (b"[]", 47001),
        (b'"x"', 47001),
        (b"\xff", 47001),
    ):
        reply = client.post(path, token, data=body)
        assert (reply.status_code, reply.json()["errcode"]) == (200, errcode)
    assert client.post(path, token, data=b"[" * 100_000).json()["errcode"] == 47001


@pytest.mark.parametrize("path", PATHS)
def test_chunked_bodies_get_412_and_the_connection_stays_usable(client: Client, path: str) -> None:
    port, token = client.server.port, client.token()
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        for _ in range(2):
            connection.request("POST", f"{path}?access_token={token}", iter([b"{", b"}"]), encode_chunked=True)
            response = connection.getresponse()
            response.read()
            assert response.status == 412
    finally:
        connection.close()


@pytest.mark.parametrize("length", ["-1", "x", "99999999999"])
def test_impossible_lengths_get_412(client: Client, length: str) -> None:
    connection = HTTPConnection("127.0.0.1", client.server.port, timeout=10)
    try:
        connection.putrequest("POST", f"{PATHS[0]}?access_token={client.token()}")
        connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == 412
    finally:
        connection.close()


def test_error_replies_look_like_wechats(client: Client) -> None:
    reply = client.send("daily_summary", dates("20260303", "20260303"))
    assert (reply.status_code, set(reply.json())) == (200, {"errcode", "errmsg"})
    assert reply.json()["errmsg"].startswith("date range error rid: ")
    assert [len(part) for part in reply.json()["errmsg"].split("rid: ")[1].split("-")] == [8, 8, 8]


def test_every_error_code_of_the_provider_has_a_text() -> None:
    assert set(ERRCODES) <= set(answers.ERRMSGS)


@pytest.mark.parametrize("endpoint", SPANS)
def test_the_latest_span_is_answered(client: Client, endpoint: str) -> None:
    assert "errcode" not in client.ask(endpoint)


@pytest.mark.parametrize("endpoint", SPANS)
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"begin_date": "20260302"},
        {"begin_date": 20260302, "end_date": 20260302},
        dates("2026-03-02", "2026-03-02"),
        dates("20260230", "20260230"),
        dates("2026032", "2026032"),
        dates("２０２６０３０２", "２０２６０３０２"),
        dates("00000101", "00000101"),
    ],
)
def test_dates_are_written_yyyymmdd(client: Client, endpoint: str, body: dict[str, Any]) -> None:
    assert client.send(endpoint, body).json()["errcode"] == 61500


@pytest.mark.parametrize(
    ("endpoints", "begin", "end", "allowed"),
    [
        ("day", "20260302", "20260302", True),
        ("day", "20170101", "20170101", True),
        ("day", "20260303", "20260303", False),  # today
        ("day", "20260304", "20260304", False),
        ("day", "20260301", "20260302", False),
        ("day", "20260302", "20260301", False),
        ("week", "20260216", "20260222", True),
        ("week", "20251229", "20260104", True),
        ("week", "20260222", "20260228", False),  # Sunday to Saturday
        ("week", "20260216", "20260301", False),
        ("week", "20260302", "20260308", False),  # running
        ("week", "20260223", "20260223", False),
        ("week", "99991227", "99991227", False),  # the calendar ends there
        ("month", "99991201", "99991231", False),
        ("month", "20240201", "20240229", True),
        ("month", "20250201", "20250228", True),
        ("month", "20251201", "20251231", True),
        ("month", "20240201", "20240228", False),
        ("month", "20260101", "20260228", False),
        ("month", "20250201", "20260228", False),
        ("month", "20260301", "20260331", False),  # running
        ("month", "20260102", "20260131", False),
        ("portrait", "20260301", "20260301", True),  # the day before yesterday
        ("portrait", "20260223", "20260301", True),
        ("portrait", "20260228", "20260228", False),  # and no earlier
        ("portrait", "20260222", "20260228", False),
        ("portrait", "20260303", "20260303", False),
        ("portrait", "20260225", "20260302", False),  # six days
        ("portrait", "20260223", "20260302", False),
        ("portrait", "20260203", "20260302", False),
        ("portrait", "20260303", "20260302", False),
    ],
)
def test_spans(client: Client, endpoints: str, begin: str, end: str, allowed: bool) -> None:
    names = {
        "day": ["daily_summary", "daily_visit_trend", "visit_distribution", "daily_retain", "visit_page"],
        "week": ["weekly_visit_trend", "weekly_retain"],
        "month": ["monthly_visit_trend", "monthly_retain"],
        "portrait": ["user_portrait"],
    }
    for name in names[endpoints]:
        assert client.ask(name, begin, end).get("errcode", 0) == (0 if allowed else 61501), name


def test_the_day_turns_in_beijing(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.published_at = dt.time(0)
    wechat_server.now = dt.datetime(2026, 3, 2, 15, 59, 59, tzinfo=dt.UTC)
    assert client.ask("daily_summary", "20260302")["errcode"] == 61501
    wechat_server.now = dt.datetime(2026, 3, 2, 16, tzinfo=dt.UTC)
    assert "errcode" not in client.ask("daily_summary", "20260302")
    assert "errcode" not in client.ask("user_portrait", "20260302")


FIRST, LAST = timestamp("2026-03-01"), timestamp("2026-03-01", 23, 59, 59)


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (performance(FIRST, LAST, 10022), 0),
        (performance(FIRST, LAST, networktype="wifi", device_level="1", device="2"), 0),
        (performance(LAST - 30 * 86400, LAST), 0),
        (performance(FIRST, timestamp("2026-03-02", 23, 59, 59)), 0),
        (performance(LAST - 30 * 86400 - 1, LAST), 61501),
        (performance(FIRST, timestamp("2026-03-03")), 61501),  # midnight after yesterday: that is today
        (performance(LAST, FIRST), 61501),
        (performance(-(10**30), -(10**30)), 61501),
        (performance(FIRST, LAST, "10018"), 9001001),
        (performance(FIRST, LAST, networktype="5g"), 9001001),
        (performance(FIRST, LAST, colour="red"), 9001001),
        (performance(FIRST, LAST, None), 47001),
        (performance(FIRST, LAST, True), 47001),
        (performance(str(FIRST), LAST), 47001),  # type: ignore[arg-type]
        ({**performance(FIRST, LAST), "params": None}, 47001),
        ({**performance(FIRST, LAST), "params": ["device"]}, 47001),
        ({**performance(FIRST, LAST), "time": [FIRST, LAST]}, 47001),
        ({**performance(FIRST, LAST), "time": {}}, 47001),
        ({**performance(FIRST, LAST), "params": [{"field": ["device"], "value": "1"}]}, 9001001),
        ({**performance(FIRST, LAST), "params": [{"field": "device", "value": ["1"]}]}, 9001001),
        (dates("20260301", "20260301"), 47001),
    ],
)
def test_performance_questions(client: Client, body: dict[str, Any], errcode: int) -> None:
    assert client.send("performance_data", body).json()["errcode"] == errcode


def test_both_ends_of_a_performance_span_count_by_their_day(client: Client) -> None:
    reply = client.send(
        "performance_data", performance(timestamp("2026-02-27", 23, 59), timestamp("2026-03-01"))
    ).json()
    points = reply["data"]["body"]["tables"][0]["lines"][0]["fields"]
    assert [point["refdate"] for point in points] == ["20260227", "20260228", "20260301"]


def test_the_rules_know_every_endpoint_of_the_catalogue() -> None:
    assert {*rules.SPANS, *rules.PORTRAIT_DAYS.values(), "performance_data"} == set(ENDPOINTS)


def test_quota_calls_want_a_token(client: Client) -> None:
    body = {"cgi_path": PATHS[0]}
    assert client.post("/cgi-bin/openapi/quota/get", "x" * 128, json=body).json()["errcode"] == 40001
    assert client.server.calls[-1].appid is None
    assert client.post("/cgi-bin/openapi/quota/get", client.token(), json=body).json()["errcode"] == 0
    assert client.server.calls[-1].appid == APP
