"""The sensor: "not yet" and "empty for now" mean waiting, all else surfaces."""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    TaskDeferred,
)

from airflow_provider_wxanalysis.exceptions import ServiceBusyError, UnknownAPIError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
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
        return sensor.poke(run_context(end.subtract(days=days), end))

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
    assert f"daily_summary {YESTERDAY} not published (empty reply). Next check " in logged()
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


def test_older_periods_are_asked_for_once_the_newest_is_there(poke, wechat_server):
    wechat_server.override("daily_summary", APPS[0], YESTERDAY.begin_date, {"list": []})
    assert poke(days=5, empty_is_ready_after=dt.timedelta(days=2)) is False
    assert [call.body["begin_date"] for call in wechat_server.calls if call.endpoint == "daily_summary"] == [
        f"{YESTERDAY.begin_date:%Y%m%d}"
    ]


def test_an_empty_part_is_not_yet(poke, wechat_server):
    """One module of performance_data may be there before the others."""
    wechat_server.faults.add(faults.empty(), endpoint="performance_data", times=1)
    assert poke("performance_data", empty_is_ready_after=dt.timedelta(days=2)) is False
    assert poke("performance_data", empty_is_ready_after=dt.timedelta(days=2)) is True


@pytest.fixture
def many(wechat_server, connect):
    """A sensor for several AppIDs that one connection serves."""

    def make(appids, **arguments):
        conn_id = connect(wechat_server, auth="central")
        return WeAnalysisDataSensor(
            task_id="wait", endpoint="daily_summary", weanalysis_conn_id=conn_id, appids=appids, **arguments
        )

    return make


def test_a_check_costs_one_call_per_app(many, wechat_server, logged):
    context = run_context(YESTERDAY.closes_at.subtract(days=3), YESTERDAY.closes_at)
    wechat_server.faults.add(faults.errcode(61503), endpoint="daily_summary", appid=APPS[1], times=1)
    assert many(APPS).poke(context) is False
    assert [wechat_server.count("daily_summary", appid) for appid in APPS] == [3, 1]
    expected = f"daily_summary not published for 1 of 2 apps: {YESTERDAY} of {APPS[1]} (61503). Next check "
    assert expected in logged()
    assert many(APPS).poke(context) is True
    assert "daily_summary: published." in logged()


def test_a_check_reads_a_connection_once(many, monkeypatch):
    """A secrets backend may take its time, and cost, for each reading; a later check sees what has changed."""
    read, names = WeAnalysisHook.get_connection, []
    monkeypatch.setattr(WeAnalysisHook, "get_connection", lambda self, name: (names.append(name), read(name))[1])
    sensor, context = many(APPS), run_context(YESTERDAY.closes_at.subtract(days=2), YESTERDAY.closes_at)
    for checks in (1, 2):
        assert sensor.poke(context) is True
        assert names == ["weanalysis_default"] * checks
        assert all(hook._client[1].closed for hook in sensor._hooks.values())


def test_one_app_s_error_surfaces_at_once(many, wechat_server):
    wechat_server.faults.add(faults.errcode(48001), endpoint="daily_summary", appid=APPS[1])
    with pytest.raises(AirflowFailException, match=APPS[1]):
        many(APPS).poke(run_context(YESTERDAY.closes_at.subtract(days=1), YESTERDAY.closes_at))


class WaitingError(BaseException):
    """What a sensor that goes on waiting in its worker ends with here."""


MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
WAITING = (WaitingError, AirflowRescheduleException, TaskDeferred)


@pytest.fixture(params=MODES)
def wait(request, many, monkeypatch):
    """Run a sensor until it is done, or until it begins to wait for its next look."""

    def sleep(seconds):
        raise WaitingError

    base = sys.modules[BaseSensorOperator.__module__]
    monkeypatch.setattr(base, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    if hasattr(base, "_orig_start_date"):  # Airflow 2 asks its database
        monkeypatch.setattr(base, "_orig_start_date", lambda **key: None)

    def run(**arguments):
        context = run_context(YESTERDAY.closes_at.subtract(days=1), YESTERDAY.closes_at, max_tries=0)
        context["ti"].get_first_reschedule_date = lambda context: None
        many(APPS[:1], **{"poke_interval": 900, "timeout": 8 * 3600, **MODES[request.param], **arguments}).execute(
            context
        )

    return run


def test_published_ends_the_wait(wait):
    wait()


def test_the_log_says_when_it_looks_next_and_when_it_gives_up(wait, wechat_server, logged):
    wechat_server.faults.add(faults.errcode(61503), times=None)
    with pytest.raises(WAITING):
        wait()
    times = r"Next check (\S+ )?\d\d:\d\d, giving up (\S+ )?\d\d:\d\d Asia/Shanghai\."
    assert re.search(rf"daily_summary {YESTERDAY} not published \(61503\)\. {times}", logged())


@pytest.mark.parametrize(
    ("code", "flag", "outcome"),
    [
        (48001, None, AirflowFailException),
        (48001, "soft_fail", AirflowSkipException),
        (48001, "never_fail", AirflowSkipException),
        (48001, "silent_fail", AirflowFailException),
        (99999, None, UnknownAPIError),
        (99999, "soft_fail", UnknownAPIError),
        (99999, "never_fail", AirflowSkipException),
        (99999, "silent_fail", WAITING),
        (61503, "soft_fail", WAITING),
        (61503, "never_fail", WAITING),
    ],
)
def test_what_an_error_means_is_the_same_in_every_mode(wait, wechat_server, code, flag, outcome):
    wechat_server.faults.add(faults.errcode(code), times=None)
    with pytest.raises(outcome):
        wait(**({flag: True} if flag else {}))


@pytest.mark.parametrize(
    ("flag", "outcome"),
    [(None, AirflowSensorTimeout), ("soft_fail", AirflowSkipException), ("never_fail", AirflowSkipException)],
)
def test_what_the_end_of_the_wait_means_is_the_same_in_every_mode(wait, wechat_server, flag, outcome):
    wechat_server.faults.add(faults.errcode(61503), times=None)
    with pytest.raises(outcome):
        wait(timeout=0, **({flag: True} if flag else {}))


@pytest.mark.parametrize("error", ["Trigger timeout", "Trigger/execution timeout"])
@pytest.mark.parametrize(
    ("flag", "outcome"),
    [(None, AirflowSensorTimeout), ("soft_fail", AirflowSkipException), ("never_fail", AirflowSkipException)],
)
def test_without_a_triggerer_the_wait_ends_alike(many, wechat_server, error, flag, outcome):
    context = run_context(YESTERDAY.closes_at.subtract(days=1), YESTERDAY.closes_at)
    sensor = many(APPS[:1], deferrable=True, **({flag: True} if flag else {}))
    wechat_server.faults.add(faults.errcode(61503))
    with pytest.raises(outcome):
        sensor.resume_execution("__fail__", {"error": error}, context)
    sensor.resume_execution("__fail__", {"error": error}, context)
    assert wechat_server.count("daily_summary") == 2, "it asks once more, and ends well where that is published"


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
