"""What a check says it found, and when the next one is."""

from __future__ import annotations

import datetime as dt

import pendulum
import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.hooks.readiness import Finding, agenda, check, describe, may_still_come
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY, SHANGHAI, Period
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.wechat.waits import Stop
from tests.conftest import APPS

SUMMARY = ENDPOINTS["daily_summary"]
NOW = pendulum.datetime(2026, 11, 26, 10, 35, tz=SHANGHAI)
YESTERDAY = DAY.latest(dt.date(2026, 11, 25))


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(pendulum, "now", lambda tz: NOW.in_timezone(tz))


def late(day, why="61503"):
    return Finding([], [Period(dt.date(2026, 11, 24), dt.date(2026, 11, 24)), DAY.latest(dt.date(2026, 11, day))], why)


@pytest.mark.parametrize(
    ("findings", "apps", "text"),
    [
        ({"wx1": Finding([YESTERDAY], [], None)}, 1, "daily_summary: published."),
        ({"wx1": late(25)}, 1, "daily_summary 2026-11-25 not published (61503)."),
        ({"wx1": late(25)}, 3, "daily_summary not published for 1 of 3 apps: 2026-11-25 of wx1 (61503)."),
        (
            {
                "wx0": Finding([YESTERDAY], [], None),
                **{f"wx{number}": late(25, "empty reply") for number in range(1, 6)},
            },
            6,
            "daily_summary not published for 5 of 6 apps: 2026-11-25 of wx1 (empty reply), 2026-11-25 of wx2 (empty "
            "reply), 2026-11-25 of wx3 (empty reply) and 2 more.",
        ),
    ],
)
def test_what_a_check_found(findings, apps, text):
    assert describe(SUMMARY, findings, apps) == text


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("next_check", "gives_up", "text"),
    [
        (NOW.add(minutes=10), NOW.add(hours=8), "Next check 10:45, giving up 18:35 Asia/Shanghai."),
        (NOW.add(minutes=10).in_timezone("UTC"), None, "Next check 10:45 Asia/Shanghai."),
        (NOW.add(hours=13), NOW.add(hours=14), "Next check 23:35, giving up 2026-11-27 00:35 Asia/Shanghai."),
    ],
)
def test_when_it_looks_next_and_when_it_gives_up(next_check, gives_up, text):
    assert agenda(next_check, gives_up) == text


def test_until_when_an_empty_reply_may_be_not_yet():
    delay = NOW - YESTERDAY.closes_at
    assert may_still_come(YESTERDAY, NOW, delay + dt.timedelta(microseconds=1))
    assert not may_still_come(YESTERDAY, NOW, delay), "from that instant on it means no traffic"


def test_the_newest_period_of_each_app_is_asked_for_first(wechat_server, connect, yesterday):
    """The older ones follow only where it is there, and what is found comes in the order of the calendar."""
    connect(wechat_server, conn_id="central", auth="central")
    days = [DAY.earlier(yesterday, back) for back in (2, 0, 1)]
    wechat_server.faults.add(faults.errcode(61503), endpoint="daily_summary", appid=APPS[0], times=1)
    found = check(
        dict.fromkeys(APPS, days),
        {appid: WeAnalysisHook("central", appid) for appid in APPS},
        SUMMARY,
        dt.timedelta(0),
        in_flight=4,
        stop=Stop(),
    )
    assert found[APPS[0]] == Finding([], sorted(days), "61503")
    assert found[APPS[1]] == Finding(sorted(days), [], None)
    asked = [call.body["begin_date"] for call in wechat_server.calls if call.appid == APPS[0] and call.body]
    assert asked == [f"{yesterday.begin_date:%Y%m%d}"]
    first = next(call.body["begin_date"] for call in wechat_server.calls if call.appid == APPS[1] and call.body)
    assert first == f"{yesterday.begin_date:%Y%m%d}"
