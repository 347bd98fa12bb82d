"""Figures: the same everywhere and always, and related to one another as an app's are."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given, settings

from airflow_provider_wxanalysis.testing import WeChatServer, figures
from tests.testing.client import APP, NOW, OTHER, SPANS, Client, dates
from tests.testing.questions import DAY, LONG_AGO, appids, days, reply, span_of, trend


@given(appids, days)
@example(APP, LONG_AGO)
def test_days(appid: str, day: dt.date) -> None:
    item = trend(appid, day)
    assert 0 < item["visit_uv_new"] < item["visit_uv"] < item["session_cnt"] < item["visit_pv"]
    assert item["stay_time_uv"] > item["stay_time_session"] > 0
    assert 1 <= item["visit_depth"] < item["visit_pv"] / item["session_cnt"]
    for name in ("stay_time_uv", "stay_time_session", "visit_depth"):
        assert item[name] == round(item[name], 4)
        assert isinstance(item[name], float) or item[name] == int(item[name])


def test_some_floats_are_whole_and_written_without_a_point() -> None:
    stays = [trend(APP, LONG_AGO + n * DAY)["stay_time_session"] for n in range(200)]
    assert {type(stay) for stay in stays} == {int, float}
    assert not any(isinstance(stay, float) and stay.is_integer() for stay in stays)


@given(appids, days)
@example(APP, LONG_AGO)
def test_users_add_up_to_the_total(appid: str, day: dt.date) -> None:
    before, after = (reply("daily_summary", appid, d)["list"][0] for d in (day, day + DAY))
    assert after["visit_total"] - before["visit_total"] == trend(appid, day + DAY)["visit_uv_new"]
    assert trend(appid, day)["visit_uv"] <= before["visit_total"]
    assert 1 <= before["share_uv"] <= before["share_pv"] < trend(appid, day)["visit_pv"]


@pytest.mark.parametrize("endpoint", ["weekly_visit_trend", "monthly_visit_trend"])
@given(appid=appids, day=days)
@example(appid=APP, day=LONG_AGO)
@example(appid=APP, day=dt.date(2024, 2, 29))
@settings(max_examples=50)
def test_weeks_and_months(endpoint: str, appid: str, day: dt.date) -> None:
    begin, end = span_of(endpoint, day)
    item = reply(endpoint, appid, begin, end)["list"][0]
    parts = [trend(appid, begin + n * DAY) for n in range((end - begin).days + 1) if begin + n * DAY >= LONG_AGO]
    for name in ("session_cnt", "visit_pv", "visit_uv_new"):
        assert item[name] == sum(part[name] for part in parts), name
    people = [part["visit_uv"] for part in parts]
    assert max(people) < item["visit_uv"] < sum(people)
    assert item["visit_uv_new"] < item["visit_uv"] <= reply("daily_summary", appid, end)["list"][0]["visit_total"]
    stays = [part["stay_time_session"] for part in parts]
    assert min(stays) - 0.001 <= item["stay_time_session"] <= max(stays) + 0.001


def test_apps_have_a_weekly_rhythm_and_grow() -> None:
    weekends = []
    for number in range(30):
        appid = f"wx{number:016x}"
        monday = dt.date(2024, 3, 4)
        people = [trend(appid, monday + n * DAY)["visit_uv"] for n in range(70)]
        weekend = sum(count for n, count in enumerate(people) if n % 7 >= 5) / 20
        weekends.append(weekend / (sum(count for n, count in enumerate(people) if n % 7 < 5) / 50))
        then = reply("monthly_visit_trend", appid, dt.date(2020, 5, 1), dt.date(2020, 5, 31))["list"][0]
        now = reply("monthly_visit_trend", appid, dt.date(2025, 5, 1), dt.date(2025, 5, 31))["list"][0]
        assert now["visit_uv"] > then["visit_uv"]
    assert min(weekends) < 0.9 < 1.1 < max(weekends)


def test_two_servers_and_any_order_give_the_same_figures() -> None:
    found: list[dict[str, str]] = []
    for order in (1, -1):
        with WeChatServer(now=NOW) as server:
            client = Client(server)
            with client.session:
                asked = list(SPANS)[::order]
                found.append({name: client.send(name, dates(*SPANS[name])).text for name in asked})
        figures.app.cache_clear()  # as good as another process
    assert found[0] == found[1]


def test_figures_are_written_in_stone() -> None:
    """Another process, machine or Python gives these, too. Documentation may quote them: change them knowingly."""
    assert trend(APP, dt.date(2026, 3, 2)) == {
        "ref_date": "20260302",
        "session_cnt": 6323,
        "visit_pv": 19610,
        "visit_uv": 3745,
        "visit_uv_new": 288,
        "stay_time_uv": 67.0299,
        "stay_time_session": 39.7006,
        "visit_depth": 2.0494,
    }


def test_apps_and_days_differ(client: Client) -> None:
    mine, others = client.ask("daily_visit_trend"), client.ask("daily_visit_trend", appid=OTHER)
    assert mine != others
    yesterday, before = client.ask("visit_page")["list"], client.ask("visit_page", "20260301")["list"]
    assert yesterday != before
