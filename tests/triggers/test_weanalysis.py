"""The trigger: what it waits for, when it gives up, and what Airflow's database learns of it."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import json
import threading

import pytest

from airflow_provider_wxanalysis.periods import DAY, last_closed_day
from airflow_provider_wxanalysis.tasks.base import deadline_after
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.triggers.weanalysis import WeAnalysisPublishedTrigger
from tests.conftest import APPS

YESTERDAY = DAY.latest(last_closed_day(dt.datetime.now(dt.UTC)))


@pytest.fixture
def trigger(wechat_server, connect):
    def make(days=1, conn_ids=("weanalysis_default",), **arguments):
        connect(wechat_server)
        periods = [DAY.earlier(YESTERDAY, back) for back in range(days)]
        periods = [[str(period.begin_date), str(period.end_date)] for period in periods]
        defaults = {
            "apps": [{"weanalysis_conn_id": conn_id, "appid": None, "periods": periods} for conn_id in conn_ids],
            "endpoint": "daily_summary",
            "endpoint_options": None,
            "empty_is_ready_after": 0.0,
            "poll_interval": 0.01,
            "deadline": deadline_after(60),
        }
        return WeAnalysisPublishedTrigger(**{**defaults, **arguments})

    return make


def fire(trigger):
    """Run the trigger to its end and return what its one event says."""

    async def events():
        return [event.payload async for event in trigger.run()]

    (payload,) = asyncio.run(events())
    assert payload["deadline"] == trigger.deadline
    return payload["reason"]


def test_it_fires_when_all_is_published(trigger, wechat_server):
    wechat_server.faults.add(faults.errcode(61503), times=2)
    assert fire(trigger(days=3)) == "published"
    assert wechat_server.count("daily_summary") == 2 + 3


def test_an_empty_reply_may_mean_not_yet(trigger, wechat_server):
    wechat_server.faults.add(faults.empty(), times=2)
    assert fire(trigger(empty_is_ready_after=3 * 86400.0)) == "published"
    assert wechat_server.count("daily_summary") == 3
    wechat_server.override("daily_summary", APPS[0], YESTERDAY.begin_date, {"list": []})
    assert fire(trigger(empty_is_ready_after=0.0)) == "published"


def test_another_error_is_the_task_s_business(trigger, wechat_server):
    wechat_server.faults.add(faults.errcode(48001), times=None)
    assert "48001" in fire(trigger())
    assert wechat_server.count("daily_summary") == 1


def test_so_is_a_connection_that_cannot_work(trigger, wechat_server, connect):
    broken = connect(wechat_server, conn_id="broken", auth="magic")
    assert "Connection 'broken': auth='magic' is unknown" in fire(trigger(conn_ids=[broken]))


def test_it_gives_up_at_the_deadline(trigger, wechat_server):
    wechat_server.faults.add(faults.errcode(61503), times=None)
    assert "61503" in fire(trigger(deadline=deadline_after(0.3)))
    asked = wechat_server.count("daily_summary")
    assert asked >= 1
    fire(trigger(deadline=deadline_after(-1)))
    assert wechat_server.count("daily_summary") == asked


def test_it_does_not_hold_up_other_triggers(trigger, wechat_server):
    """Requests block; the triggerer's loop runs on meanwhile."""
    wechat_server.faults.add(faults.hang(1), endpoint="daily_summary", times=1)
    ticks = []

    async def tick():
        while True:
            ticks.append(wechat_server.count("daily_summary"))
            await asyncio.sleep(0.01)

    async def both():
        beside = asyncio.create_task(tick())
        event = await anext(aiter(trigger().run()))
        beside.cancel()
        return event.payload["reason"]

    assert asyncio.run(both()) == "published"
    assert ticks.count(1) > 10, "the loop went on while the request was under way"


def test_the_database_learns_no_secret(trigger, wechat_server):
    waiting = trigger()
    path, arguments = waiting.serialize()
    kept = json.dumps(arguments)
    connection = wechat_server.connection(APPS[0])
    assert connection["password"] not in kept
    assert connection["login"] not in kept
    module, name = path.rsplit(".", 1)
    again = getattr(importlib.import_module(module), name)(**json.loads(kept))
    assert again.serialize() == (path, arguments)


def test_a_token_is_masked_from_a_thread_that_may_speak_to_the_supervisor(trigger, monkeypatch):
    """Airflow 3.0 and 3.1 have one channel to the supervisor, which threads other than asgiref's would break."""
    threads = []
    masked = "airflow_provider_wxanalysis.hooks.weanalysis.mask_secret"
    monkeypatch.setattr(masked, lambda secret: threads.append(threading.current_thread()))
    assert fire(trigger(endpoint="performance_data", days=2)) == "published"
    assert [thread.name.split("_")[0] for thread in threads] == ["asyncio"]
