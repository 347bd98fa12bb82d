"""When figures appear, and how cohorts grow while the clock moves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pendulum
import pytest

from airflow_provider_wxanalysis.testing import WeChatServer
from tests.testing.client import BEIJING, SPANS, Client, performance, timestamp

COHORTS = ("visit_uv_new", "visit_uv")


def keys(client: Client, endpoint: str, begin: str, end: str) -> list[int]:
    reply = client.ask(endpoint, begin, end)
    found = [[entry["key"] for entry in reply[cohort]] for cohort in COHORTS]
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    "endpoint", ["daily_summary", "visit_page", "daily_retain", "user_portrait", "user_portrait_30d"]
)
def test_figures_appear_at_eight_on_the_next_day(client: Client, wechat_server: WeChatServer, endpoint: str) -> None:
    wechat_server.now = dt.datetime(2026, 3, 3, 7, 59, 59, tzinfo=BEIJING)
    assert client.ask(endpoint)["errcode"] == 61503
    wechat_server.now = dt.datetime(2026, 3, 3, 8, tzinfo=BEIJING)
    assert "errcode" not in client.ask(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "day"),
    [("weekly_visit_trend", 2), ("weekly_retain", 2), ("monthly_visit_trend", 1), ("monthly_retain", 1)],
)
def test_weeks_and_months_appear_after_their_last_day(
    client: Client, wechat_server: WeChatServer, endpoint: str, day: int
) -> None:
    wechat_server.now = dt.datetime(2026, 3, day, tzinfo=BEIJING)
    assert client.ask(endpoint)["errcode"] == 61503
    wechat_server.now = dt.datetime(2026, 3, day, 8, tzinfo=BEIJING)
    assert "errcode" not in client.ask(endpoint)


def test_the_day_before_is_there_all_morning(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.now = dt.datetime(2026, 3, 3, tzinfo=BEIJING)
    assert "errcode" not in client.ask("daily_summary", "20260301")


def test_publication_time_is_a_switch(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.published_at = dt.time(12, 30)
    assert client.ask("daily_summary")["errcode"] == 61503


EMPTY_DIMENSIONS: dict[str, list[Any]] = {
    name: [] for name in ("province", "city", "genders", "platforms", "devices", "ages")
}
EMPTY = {
    "daily_summary": {"list": []},
    "daily_visit_trend": {"list": []},
    "weekly_visit_trend": {"list": []},
    "monthly_visit_trend": {"list": []},
    "visit_distribution": {"ref_date": "20260302", "list": []},
    "visit_page": {"ref_date": "20260302", "list": []},
    "daily_retain": {"ref_date": "20260302", "visit_uv_new": [], "visit_uv": []},
    "weekly_retain": {"ref_date": "20260223-20260301", "visit_uv_new": [], "visit_uv": []},
    "monthly_retain": {"ref_date": "202602", "visit_uv_new": [], "visit_uv": []},
    "user_portrait": {"ref_date": "20260302", "visit_uv_new": EMPTY_DIMENSIONS, "visit_uv": EMPTY_DIMENSIONS},
    "user_portrait_7d": {
        "ref_date": "20260224-20260302",
        "visit_uv_new": EMPTY_DIMENSIONS,
        "visit_uv": EMPTY_DIMENSIONS,
    },
    "user_portrait_30d": {
        "ref_date": "20260201-20260302",
        "visit_uv_new": EMPTY_DIMENSIONS,
        "visit_uv": EMPTY_DIMENSIONS,
    },
}


@pytest.mark.parametrize("endpoint", SPANS)
def test_not_ready_can_be_an_empty_reply(client: Client, wechat_server: WeChatServer, endpoint: str) -> None:
    wechat_server.not_ready = "empty"
    wechat_server.published_at = dt.time(23)
    hour = {"weekly": dt.datetime(2026, 3, 2, 9), "monthl": dt.datetime(2026, 3, 1, 9)}.get(endpoint[:6])  # noqa: DTZ001
    if hour:
        wechat_server.now = hour.replace(tzinfo=BEIJING)
    assert client.ask(endpoint) == EMPTY[endpoint]


def test_not_ready_performance(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.published_at = dt.time(23)
    body = performance(timestamp("2026-03-02"), timestamp("2026-03-02", 23))
    assert client.send("performance_data", body).json()["errcode"] == 61503
    wechat_server.not_ready = "empty"
    reply = client.send("performance_data", body).json()
    assert (reply["errcode"], reply["data"]) == (0, {"body": {"tables": [], "count": 0}})


def test_daily_cohorts_grow(client: Client, wechat_server: WeChatServer) -> None:
    grown = {}
    for days in range(33):
        wechat_server.now = dt.datetime(2026, 1, 2, 8, tzinfo=BEIJING) + dt.timedelta(days=days)
        grown[days] = keys(client, "daily_retain", "20260101", "20260101")
    assert grown[0] == [0]
    assert grown[3] == [0, 1, 2, 3]
    assert grown[7] == grown[13] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert grown[14] == grown[29] == [0, 1, 2, 3, 4, 5, 6, 7, 14]
    assert grown[30] == grown[32] == [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]


def test_a_key_appears_when_its_day_is_published(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.now = dt.datetime(2026, 1, 3, 7, 59, tzinfo=BEIJING)
    assert keys(client, "daily_retain", "20260101", "20260101") == [0]
    wechat_server.now = dt.datetime(2026, 1, 3, 8, tzinfo=BEIJING)
    assert keys(client, "daily_retain", "20260101", "20260101") == [0, 1]


def test_weekly_cohorts_grow_on_mondays(client: Client, wechat_server: WeChatServer) -> None:
    for weeks in range(7):
        monday = dt.datetime(2026, 1, 12, 8, tzinfo=BEIJING) + dt.timedelta(weeks=weeks)
        wechat_server.now = monday
        assert keys(client, "weekly_retain", "20260105", "20260111") == list(range(min(weeks, 4) + 1))
        wechat_server.now = monday + dt.timedelta(days=6)
        assert keys(client, "weekly_retain", "20260105", "20260111") == list(range(min(weeks, 4) + 1))


def test_monthly_cohorts_grow_once(client: Client, wechat_server: WeChatServer) -> None:
    for month, day, expected in ((1, 1, [0]), (1, 31, [0]), (2, 1, [0, 1]), (3, 3, [0, 1])):
        wechat_server.now = dt.datetime(2026, month, day, 8, tzinfo=BEIJING)
        assert keys(client, "monthly_retain", "20251201", "20251231") == expected


def test_growing_changes_no_value(client: Client, wechat_server: WeChatServer) -> None:
    final = client.ask("daily_retain", "20260101")
    wechat_server.now = dt.datetime(2026, 1, 5, 12, tzinfo=BEIJING)
    young = client.ask("daily_retain", "20260101")
    for cohort in COHORTS:
        assert young[cohort] == final[cohort][: len(young[cohort])]


def test_the_clock_can_be_a_function_and_must_be_aware(wechat_server: WeChatServer) -> None:
    moments = iter([dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 2, tzinfo=dt.UTC)])
    wechat_server.now = lambda: next(moments)
    assert wechat_server.now.isoformat() == "2026-01-01T08:00:00+08:00"
    assert wechat_server.now.isoformat() == "2026-01-02T08:00:00+08:00"
    with pytest.raises(ValueError, match="no time zone"):
        wechat_server.now = dt.datetime(2026, 1, 1)  # noqa: DTZ001
    wechat_server.now = lambda: dt.datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="without a time zone"):
        _ = wechat_server.now
    wechat_server.now = None
    assert abs(wechat_server.now - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


def test_pendulum_can_set_the_clock(client: Client, wechat_server: WeChatServer) -> None:
    wechat_server.now = pendulum.datetime(2026, 3, 3, 4, tz="UTC")
    assert type(wechat_server.now) is dt.datetime
    assert client.stable() == client.stable()
    assert "errcode" not in client.ask("daily_summary")


def test_before_the_launch_there_is_nothing() -> None:
    with WeChatServer(now=dt.datetime(2026, 3, 3, 12, tzinfo=BEIJING), launched=dt.date(2026, 2, 25)) as server:
        client = Client(server)
        with client.session:
            assert client.ask("daily_visit_trend", "20260224") == {"list": []}
            assert client.ask("visit_page", "20260224") == {"ref_date": "20260224", "list": []}
            assert client.ask("daily_retain", "20260224")["visit_uv"] == []
            week = client.ask("weekly_visit_trend")["list"][0]
            days = [client.ask("daily_visit_trend", f"202602{day}") for day in range(25, 29)]
            days.append(client.ask("daily_visit_trend", "20260301"))
            assert week["visit_pv"] == sum(day["list"][0]["visit_pv"] for day in days)
            body = performance(timestamp("2026-02-23"), timestamp("2026-03-01"))
            points = client.send("performance_data", body).json()["data"]["body"]["tables"][0]["lines"][0]["fields"]
            assert points[0]["refdate"] == "20260225"
