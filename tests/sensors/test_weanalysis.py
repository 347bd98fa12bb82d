"""The sensor: "not yet" and "empty for now" mean waiting, all else surfaces."""

from __future__ import annotations

import datetime as dt

import pendulum
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_wxanalysis.exceptions import ServiceBusyError
from airflow_provider_wxanalysis.periods import DAY, SHANGHAI, last_closed_day
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.testing import faults
from tests.conftest import APPS, run_context

YESTERDAY = DAY.latest(last_closed_day(dt.datetime.now(dt.UTC)))


@pytest.fixture
def poke(wechat_server, connect):
    def run(endpoint="daily_summary", days=1, end=YESTERDAY.closes_at, **arguments):
        sensor = WeAnalysisDataSensor(
            task_id="wait", endpoint=endpoint, weanalysis_conn_id=connect(wechat_server), **arguments
        )
        context = run_context(end.subtract(days=days), end)
        try:
            return sensor.poke(context)
        finally:
            sensor.hook.close()

    return run


def test_published(poke, wechat_server):
    assert poke() is True
    assert (wechat_server.count("token"), wechat_server.count("daily_summary")) == (1, 1)


@pytest.mark.parametrize("not_ready", ["error", "empty"])
def test_a_morning_before_publication(poke, wechat_server, not_ready):
    wechat_server.now = YESTERDAY.closes_at.add(hours=9)
    wechat_server.published_at, wechat_server.not_ready = dt.time(10), not_ready
    wait = dt.timedelta(days=2)  # so that the test does not depend on the hour it runs at
    assert poke(empty_is_ready_after=wait) is False
    wechat_server.now = YESTERDAY.closes_at.add(hours=10, minutes=30)
    assert poke(empty_is_ready_after=wait) is True


def test_an_empty_reply_is_ready_in_the_end(poke, wechat_server, logged):
    wechat_server.faults.add(faults.empty(), times=None)
    assert poke(empty_is_ready_after=dt.timedelta(days=2)) is False
    assert f"daily_summary {YESTERDAY} of app {APPS[0]}: empty, which may still mean" in logged()
    assert poke(empty_is_ready_after=dt.timedelta(0)) is True


def test_every_due_period_must_be_there(poke, wechat_server):
    assert poke(days=5) is True
    assert wechat_server.count("daily_summary") == 5
    wechat_server.override("daily_summary", APPS[0], YESTERDAY.begin_date - dt.timedelta(days=3), {"list": []})
    assert poke(days=5, empty_is_ready_after=dt.timedelta(days=30)) is False


def test_it_stops_asking_at_the_first_that_is_missing(poke, wechat_server):
    wechat_server.faults.add(faults.errcode(61503))
    assert poke(days=5) is False
    assert wechat_server.count("daily_summary") == 1


def test_nothing_due_skips(poke, wechat_server):
    with pytest.raises(AirflowSkipException, match="no week ended"):
        poke("weekly_retain", end=pendulum.datetime(2026, 3, 10, tz=SHANGHAI))  # a Tuesday
    assert wechat_server.calls == []


def test_other_errors_surface_at_once(poke, wechat_server, pauses):
    wechat_server.faults.add(faults.errcode(48001))
    with pytest.raises(AirflowFailException, match="NotAuthorizedError"):
        poke()
    wechat_server.faults.add(faults.errcode(-1), times=None)
    with pytest.raises(ServiceBusyError):
        poke()
