"""The service without a socket, and what can be asked of it on request: many apps, launches, closed days."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing import Answer, Request, WeChat, WeChatServer, faults
from tests.testing.client import APP, NOW, OTHER, SPANS, Client, dates

DAY = dt.timedelta(days=1)


def ask(wechat: WeChat, endpoint: str, begin: str = "", end: str = "", appid: str = APP) -> dict[str, Any]:
    return answer(wechat, endpoint, begin, end, appid).reply


def answer(wechat: WeChat, endpoint: str, begin: str = "", end: str = "", appid: str = APP) -> Answer:
    first, last = SPANS[endpoint]
    token, _ = wechat.tokens.stable(appid)
    body = json.dumps(dates(begin or first, end or begin or last)).encode()
    return wechat.answer(Request.parse("POST", f"{ENDPOINTS[endpoint].path}?access_token={token}", {}, body))


@pytest.mark.parametrize("endpoint", SPANS)
def test_it_answers_as_over_a_socket(client: Client, endpoint: str) -> None:
    wechat = WeChat(now=NOW)
    assert ask(wechat, endpoint) == client.ask(endpoint)
    assert wechat.count(endpoint) == 1


def test_it_asks_for_tokens_and_misbehaves_without_a_socket_too() -> None:
    wechat = WeChat({APP: "s3cret"}, now=NOW, latency=3)
    body = {"grant_type": "client_credential", "appid": APP, "secret": "s3cret"}
    found = wechat.answer(Request.parse("POST", "/cgi-bin/stable_token", {}, json.dumps(body).encode()))
    assert found.reply["access_token"] == wechat.tokens_issued[0]
    wechat.faults.add(faults.hang(4))
    assert answer(wechat, "daily_summary").delay == 7, "the one who delivers it waits"
    assert wechat.answer(Request.parse("GET", "http://127.0.0.1/nowhere", {}, None)).status == 404


def test_ten_thousand_apps_behind_one_connection() -> None:
    wechat = WeChat(10_000, now=NOW)
    assert len(set(wechat.appids)) == 10_000
    connection = wechat.connection()
    assert connection["extra"]["auth"] == "central"
    assert not connection.keys() & {"login", "password"}
    for appid in (wechat.appids[0], wechat.appids[-1]):
        url = connection["extra"]["central_url"].replace("{appid}", appid)
        assert wechat.answer(Request.parse("GET", url, {}, None)).reply["access_token"]
        assert ask(wechat, "daily_summary", appid=appid)["list"]
    assert wechat.answer(Request.parse("GET", f"{wechat.url}/central/token/{OTHER}x", {}, None)).status == 404


def test_apps_are_small_and_large() -> None:
    people = sorted(WeChat().figures(appid, NOW.date()).visit_uv for appid in WeChat(200).appids)  # type: ignore[union-attr]
    assert people[10] < 500
    assert people[100] > 5_000
    assert people[-10] > 60_000


def test_each_app_can_have_a_launch_of_its_own() -> None:
    wechat = WeChat(now=NOW, launched={APP: dt.date(2026, 2, 25)})
    assert ask(wechat, "daily_summary", "20260224") == {"list": []}
    assert ask(wechat, "visit_page", "20260224")["list"] == []
    assert ask(wechat, "weekly_visit_trend", "20260216", "20260222") == {"list": []}
    assert ask(wechat, "daily_summary", "20260225")["list"]
    assert ask(wechat, "weekly_visit_trend", "20260223", "20260301")["list"]
    assert ask(wechat, "daily_summary", "20260224", appid=OTHER)["list"]


class TestClosedDays:
    CLOSED = dt.date(2026, 2, 25)

    @pytest.fixture
    def wechat(self) -> WeChat:
        week = [dt.date(2026, 2, 9) + n * DAY for n in range(7)]
        return WeChat(now=NOW, closed={APP: [self.CLOSED, *week]})

    @pytest.mark.parametrize("endpoint", [name for name, span in SPANS.items() if span == SPANS["daily_summary"]])
    def test_the_day_is_empty(self, wechat: WeChat, endpoint: str) -> None:
        wechat.now = dt.datetime(2026, 2, 26, 12, tzinfo=NOW.tzinfo)
        reply = ask(wechat, endpoint, "20260225")
        assert not any(value for name, value in reply.items() if name != "ref_date" and not isinstance(value, dict))
        assert not any(any(value.values()) for value in reply.values() if isinstance(value, dict))

    def test_others_add_up_without_it(self, wechat: WeChat) -> None:
        days = [ask(wechat, "daily_visit_trend", f"{dt.date(2026, 2, 23) + n * DAY:%Y%m%d}") for n in range(7)]
        assert days[2] == {"list": []}
        week = ask(wechat, "weekly_visit_trend", "20260223", "20260301")["list"][0]
        assert week["visit_pv"] == sum(day["list"][0]["visit_pv"] for day in days if day["list"])
        before, after = (ask(wechat, "daily_summary", f"202602{day}")["list"][0]["visit_total"] for day in (24, 26))
        assert after - before == days[3]["list"][0]["visit_uv_new"]

    def test_a_week_of_them_is_a_row_of_zeros(self, wechat: WeChat) -> None:
        (item,) = ask(wechat, "weekly_visit_trend", "20260209", "20260215")["list"]
        assert set(item.values()) == {0, "20260209-20260215"}

    def test_no_one_comes_back_on_it(self, wechat: WeChat) -> None:
        values = {entry["key"]: entry["value"] for entry in ask(wechat, "daily_retain", "20260222")["visit_uv"]}
        assert values[3] == 0
        assert values[2] > 0
        assert values[4] > 0


def test_the_journal_keeps_the_latest_and_counts_all() -> None:
    wechat = WeChat(now=NOW, journal_size=8)
    for n in range(30):
        ask(wechat, "daily_summary", f"{NOW.date() - (n % 5 + 2) * DAY:%Y%m%d}")
        assert wechat.count("daily_summary") == n + 1
        assert len(wechat.calls) <= 9
    ask(wechat, "visit_page")
    assert (wechat.count(), wechat.count("daily_summary", APP), wechat.count("daily_summary", OTHER)) == (31, 30, 0)
    assert wechat.calls[-1].endpoint == "visit_page"
    assert sum(map(len, wechat.served.values())) == 8
    assert ("visit_page", APP, "2026-03-02", "2026-03-02") in wechat.served
    wechat.forget()
    assert (wechat.count(), wechat.calls, wechat.served) == (0, [], {})


def test_the_journal_can_keep_nothing_or_everything() -> None:
    nothing, everything = WeChat(now=NOW, journal_size=0), WeChat(now=NOW, journal_size=None)
    for wechat in (nothing, everything):
        for _ in range(20):
            ask(wechat, "daily_summary")
        assert wechat.count() == 20
    assert (nothing.calls, nothing.served) == ([], {})
    assert len(everything.calls) == len(everything.served["daily_summary", APP, "2026-03-02", "2026-03-02"]) == 20


def test_lists_that_were_cleared_by_hand_stay_whole() -> None:
    wechat = WeChat(now=NOW, journal_size=4)
    for _ in range(6):
        ask(wechat, "daily_summary")
        wechat.served.clear()
        wechat.calls.clear()
    assert wechat.count() == 0


def test_the_server_is_the_same_service_on_a_socket() -> None:
    with WeChatServer(2, now=NOW, journal_size=1) as server:
        client = Client(server)
        with client.session:
            assert client.ask("daily_summary", appid=server.appids[1])["list"]
        assert server.connection()["host"] == server.url
