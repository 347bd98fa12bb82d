"""The trigger: what it waits for, when it gives up, and what Airflow's database learns of it."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import importlib
import inspect
import itertools
import json
import threading

import psutil
import pytest

from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY, last_closed_day
from airflow_provider_wxanalysis.tasks.base import deadline_after
from airflow_provider_wxanalysis.testing import WeChatServer, answers, faults
from airflow_provider_wxanalysis.triggers.weanalysis import WeAnalysisPublishedTrigger, grouped
from tests.conftest import APPS

YESTERDAY = DAY.latest(last_closed_day(dt.datetime.now(dt.UTC)))


@pytest.fixture
def trigger(wechat_server, connect):
    def make(days=1, conn_ids=("weanalysis_default",), **arguments):
        connect(wechat_server)
        latest = [DAY.earlier(YESTERDAY, back) for back in range(days)]
        defaults = {
            "apps": grouped({(conn_id, None): latest for conn_id in conn_ids}),
            "endpoint": "daily_summary",
            "endpoint_options": None,
            "empty_is_ready_after": 0.0,
            "poll_interval": 0.01,
            "deadline": deadline_after(60),
        }
        return WeAnalysisPublishedTrigger(**{**defaults, **arguments})

    return make


def event(trigger):
    """Run the trigger to its end and return its one event."""

    async def events():
        return [event.payload async for event in trigger.run()]

    (payload,) = asyncio.run(events())
    assert payload["deadline"] == trigger.deadline
    return payload


def fire(trigger):
    """Run the trigger to its end and return why it ended."""
    return event(trigger)["reason"]


def test_it_fires_when_all_is_published(trigger, wechat_server):
    wechat_server.faults.add(faults.errcode(61503), times=2)
    waiting = trigger(days=3)
    found = event(waiting)
    assert found["reason"] == "daily_summary: published."
    assert wechat_server.count("daily_summary") == 2 + 3
    assert found["waiting"] == []
    (apps,) = found["published"]
    assert (apps["weanalysis_conn_id"], apps["appids"]) == (["weanalysis_default"], None)
    assert sorted(apps["periods"]) == sorted(waiting.apps[0]["periods"])


def test_an_empty_reply_may_mean_not_yet(trigger, wechat_server):
    wechat_server.faults.add(faults.empty(), times=2)
    assert fire(trigger(empty_is_ready_after=3 * 86400.0)) == "daily_summary: published."
    assert wechat_server.count("daily_summary") == 3
    wechat_server.override("daily_summary", APPS[0], YESTERDAY.begin_date, {"list": []})
    assert fire(trigger(empty_is_ready_after=0.0)) == "daily_summary: published."


def test_another_error_is_the_task_s_business(trigger, wechat_server):
    wechat_server.faults.add(faults.errcode(48001), times=None)
    found = event(trigger())
    assert "48001" in found["reason"]
    assert (found["published"], len(found["waiting"])) == ([], 1)
    assert wechat_server.count("daily_summary") == 1


def test_so_is_a_connection_that_cannot_work(trigger, wechat_server, connect):
    broken = connect(wechat_server, conn_id="broken", auth="magic")
    assert "Connection 'broken': auth='magic' is unknown" in fire(trigger(conn_ids=[broken]))


@pytest.fixture
def broken_at_first(monkeypatch):
    """Make a method fail the first few times."""

    def breaks(owner, name, error, times):
        method, left = getattr(owner, name), [error] * times

        def broken(*args):
            if left:
                raise left.pop()
            return method(*args[1:] if inspect.ismethod(method) else args)  # class methods come bound

        monkeypatch.setattr(owner, name, broken)

    return breaks


@pytest.fixture
def before_look(monkeypatch):
    """Have something done before a trigger's third look, each of which reads the connection."""

    def do(action):
        read, looks = WeAnalysisHook.aread_connection, itertools.count(1)

        async def counted(hook):
            if next(looks) == 3:
                action()
            await read(hook)

        monkeypatch.setattr(WeAnalysisHook, "aread_connection", counted)

    return do


def test_a_wechat_that_cannot_be_reached_is_not_yet(trigger, connect, before_look, logged):
    with WeChatServer(published_at=dt.time(0)) as gone:
        waiting = trigger(conn_ids=[connect(gone, conn_id="gone")])
        back = WeChatServer(port=gone.port, published_at=dt.time(0))
    before_look(back.start)
    try:
        assert fire(waiting) == "daily_summary: published."
    finally:
        back.stop()
    assert logged().count(f"daily_summary {YESTERDAY} not published (TransportError)") == 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionError("secrets backend: 503"), "published."),
        (ValueError("bad port: pass/word"), "could not read connection 'weanalysis_default': ValueError."),
    ],
    ids=["backend down", "broken content"],
)
def test_a_connection_that_cannot_be_read_is_not_yet_if_it_can_be_later(
    trigger, wechat_server, broken_at_first, error, reason
):
    name = "aget_connection" if hasattr(WeAnalysisHook, "aget_connection") else "get_connection"
    broken_at_first(WeAnalysisHook, name, error, times=2)
    found = fire(trigger())
    assert reason in found
    assert "pass/word" not in found


def test_a_look_reads_a_shared_connection_once(trigger, wechat_server, connect, monkeypatch):
    connect(wechat_server, conn_id="central", auth="central")
    read, reads = WeAnalysisHook.aread_connection, []

    async def counted(hook):
        reads.append(hook)
        await read(hook)

    monkeypatch.setattr(WeAnalysisHook, "aread_connection", counted)
    apps = grouped({("central", f"wx{number:016x}"): [YESTERDAY] for number in range(20)})
    assert fire(trigger(apps=apps)) == "daily_summary: published."
    assert wechat_server.count("daily_summary") == 20
    assert len(reads) == 1


@pytest.mark.parametrize(
    "fault", [faults.errcode(45011), faults.errcode(-1), faults.http(502)], ids=lambda each: each.name
)
def test_a_busy_wechat_is_not_yet_and_a_look_is_one_try(trigger, wechat_server, fault, logged):
    wechat_server.faults.add(fault, endpoint="daily_summary", times=2)
    assert fire(trigger()) == "daily_summary: published."
    assert wechat_server.count("daily_summary") == 3
    found = logged()
    assert found.count(f"daily_summary {YESTERDAY} not published (") == 2
    assert "attempt" not in found


def test_many_apps_are_waited_for_each_until_it_is_there(trigger, wechat_server, connect, logged):
    connect(wechat_server, conn_id="central", auth="central")
    apps = grouped({("central", appid): [YESTERDAY] for appid in APPS})
    wechat_server.faults.add(faults.errcode(61503), endpoint="daily_summary", appid=APPS[1], times=2)
    found = event(trigger(apps=apps))
    assert [wechat_server.count("daily_summary", appid) for appid in APPS] == [1, 3], "what is there is not asked again"
    assert (found["waiting"], found["published"]) == ([], apps)
    assert logged().count(f"not published for 1 of 2 apps: {YESTERDAY} of {APPS[1]} (61503). Next check ") == 2


def test_it_gives_up_at_the_deadline(trigger, wechat_server):
    wechat_server.faults.add(faults.errcode(61503), times=None)
    found = event(trigger(deadline=deadline_after(0.3)))
    assert found["reason"] == f"daily_summary {YESTERDAY} not published (61503)."
    assert [app["periods"] for app in found["waiting"]] == [[[str(YESTERDAY.begin_date)] * 2]]
    asked = wechat_server.count("daily_summary")
    assert asked >= 1
    assert fire(trigger(deadline=deadline_after(-1))) == "daily_summary: the wait was over before the first check."
    assert wechat_server.count("daily_summary") == asked


def test_it_does_not_hold_up_other_triggers(trigger, wechat_server):
    """Requests block: the triggerer's loop runs on meanwhile, and so do asyncio's own threads, which others need."""
    asked, answer = [], threading.Event()

    def hang(reply, question):
        asked.append(question)
        answer.wait()
        return reply

    wechat_server.faults.add(faults.Fault("hang", hang), endpoint="daily_summary", times=None)
    many = 50  # more than asyncio's default executor has threads

    async def others():
        looks = [asyncio.create_task(anext(aiter(trigger().run()))) for _ in range(many)]
        while not asked:
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(lambda: "ran") == "ran"
        assert not any(task.done() for task in looks)
        answer.set()
        return [event.payload["reason"] for event in await asyncio.gather(*looks)]

    assert asyncio.run(others()) == ["daily_summary: published."] * many


@pytest.fixture
def without_garbage_collection():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_garbage_collection")
def test_a_look_leaves_no_connection_open(trigger, wechat_server):
    """Forty waiting tasks look a thousand times in four hours: a socket kept for each would use up the triggerer's."""
    most = []

    def not_yet(reply, question):
        connections = psutil.Process().net_connections("tcp")
        here = [each for each in connections if each.laddr.port == wechat_server.port]
        most.append(sum(each.status == psutil.CONN_ESTABLISHED for each in here))
        return answers.error(61503)

    wechat_server.faults.add(faults.Fault("not yet", not_yet), endpoint="daily_summary", times=100)
    assert fire(trigger(poll_interval=0.001)) == "daily_summary: published."
    assert most == [1] * 100


def test_it_ends_with_its_look_when_it_is_cancelled(trigger, wechat_server):
    wechat_server.faults.add(faults.errcode(61503), times=None)
    waiting = trigger()

    async def cancelled():
        look = asyncio.create_task(anext(aiter(waiting.run())))
        while not wechat_server.count("daily_summary"):
            await asyncio.sleep(0.01)
        look.cancel()
        await asyncio.gather(look, return_exceptions=True)
        await waiting.cleanup()
        return look.cancelled()

    assert asyncio.run(cancelled())


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
    """Airflow 3.0 and 3.1 have one channel to the supervisor, which threads that asgiref did not start would break."""
    from asgiref.sync import SyncToAsync

    loops = []
    masked = "airflow_provider_wxanalysis.hooks.weanalysis.mask_token"
    monkeypatch.setattr(masked, lambda token: loops.append(getattr(SyncToAsync.threadlocal, "main_event_loop", None)))
    assert fire(trigger(endpoint="performance_data", days=2)) == "performance_data: published."
    assert loops
    assert all(loops)
