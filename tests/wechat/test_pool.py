"""Asking for many periods of many apps: order, bounds, failures, and an end within moments."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, resolve
from airflow_provider_wxanalysis.exceptions import (
    ConfigurationError,
    DateRangeError,
    NotAuthorizedError,
    TransportError,
    WeAnalysisError,
)
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY, Period
from airflow_provider_wxanalysis.testing import WeChatServer, faults
from airflow_provider_wxanalysis.wechat.pool import ask_all
from airflow_provider_wxanalysis.wechat.waits import Stop
from tests.conftest import APPS
from tests.support.servers import free_port
from tests.wechat.conftest import answers

MakeHook = Callable[..., WeAnalysisHook]
SUMMARY = ENDPOINTS["daily_summary"]


def broken_day(server: WeChatServer, day: Period, reply: Any = None, app: str = APPS[0]) -> None:
    server.override("daily_summary", app, day.begin_date, reply or {"errcode": 61501, "errmsg": "no"})


class TestInOrder:
    def test_every_period_before_the_failing_one_comes(
        self, hook: MakeHook, wechat_server: WeChatServer, days: list[Period]
    ) -> None:
        broken_day(wechat_server, days[2])
        fetching = hook().fetch_many("daily_summary", days[:5])
        assert [next(fetching)[0] for _ in range(2)] == days[:2]
        with pytest.raises(DateRangeError):
            next(fetching)

    def test_each_comes_as_soon_as_it_is_there(
        self, hook: MakeHook, wechat_server: WeChatServer, days: list[Period]
    ) -> None:
        """The first is there while the second is still awaited."""
        wechat_server.faults.add(faults.hang(60), endpoint="daily_summary", times=1)
        app = hook(max_concurrency=1)
        fetching = app.fetch_many("daily_summary", reversed(days[:3]))
        wechat_server.faults.clear()
        period, _ = next(iter(fetching))
        assert period == days[2]
        fetching.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("threads", [True, False])
def test_all_apps_and_periods(apps: list[WeAnalysisHook], days: list[Period], threads: bool) -> None:
    found = answers(apps, days, threads=threads)
    assert {(answer.lane.key, answer.period) for answer in found} == {
        (hook.weanalysis_conn_id, day) for hook in apps for day in days
    }
    assert all(answer.rows and answer.error is None for answer in found)
    assert all(answer.client and answer.client.closed for answer in found), "a lane that is done is closed"


def test_errors_are_answers(apps: list[WeAnalysisHook], wechat_server: WeChatServer, days: list[Period]) -> None:
    broken_day(wechat_server, days[3])
    found = answers(apps, days)
    failed = [answer for answer in found if answer.error]
    assert [(answer.lane.key, answer.period) for answer in failed] == [(apps[0].weanalysis_conn_id, days[3])]
    assert len(found) == 2 * len(days)


def test_an_app_that_is_refused_is_asked_no_further(
    apps: list[WeAnalysisHook], wechat_server: WeChatServer, days: list[Period]
) -> None:
    for day in days:
        broken_day(wechat_server, day, {"errcode": 48001, "errmsg": "unauthorized"})
    found = answers(apps, days)
    first, second = ([answer for answer in found if answer.lane.key == hook.weanalysis_conn_id] for hook in apps)
    assert len(first) == len(days)
    assert {type(answer.error) for answer in first} == {NotAuthorizedError}
    assert all(answer.rows for answer in second)
    asked = [call for call in wechat_server.calls if call.errcode == 48001]
    assert len(asked) <= 4, "those that were under way"


def test_a_connection_that_cannot_be_read_stops_its_own_app_only(
    apps: list[WeAnalysisHook], days: list[Period]
) -> None:
    found = answers([WeAnalysisHook("not_there"), apps[0]], days)
    failed = [answer for answer in found if answer.error]
    assert len(failed) == len(days)
    assert {(type(answer.error), answer.client) for answer in failed} == {(ConfigurationError, None)}
    assert "Connection 'not_there' is not defined" in str(failed[0].error)


def test_connections_are_read_when_their_turn_comes(
    wechat_server: WeChatServer, connect: Any, days: list[Period]
) -> None:
    opened = []

    def each() -> Iterator[Any]:
        for number in range(100):
            hook = WeAnalysisHook(connect(wechat_server, APPS[0], f"app_{number}"))
            opened.append(number)
            yield hook.lane("daily_summary", days)

    with closing(ask_all(each(), in_flight=4, stop=Stop())) as found:
        next(found)
        assert len(opened) <= 3


def test_clients_that_are_kept_keep_few_connections(
    wechat_server: WeChatServer, connect: Any, days: list[Period]
) -> None:
    """However many apps there are: a process may have some thousand files open."""
    hooks = [WeAnalysisHook(connect(wechat_server, APPS[0], f"app_{number}")) for number in range(40)]
    with contextlib.ExitStack() as closing_all:
        for hook in hooks:
            closing_all.enter_context(hook)
        for part in (days[-1:], days[:-1]):
            lanes = [hook.lane("daily_summary", part)._replace(keep=True) for hook in hooks]
            found = list(ask_all(lanes, in_flight=4, stop=Stop()))
            assert all(answer.rows for answer in found)
            channels = [hook.client.channel for hook in hooks]
            idle = [host.connections() for channel in channels for host in channel._hosts.values()]
            assert 1 <= sum(map(len, idle)) <= 8
    assert wechat_server.count("token") == 40, "what else they know stays"


def test_one_app_s_share_is_its_own_limit(wechat_server: WeChatServer, connect: Any, days: list[Period]) -> None:
    """Counted at the server, which answers no one until as many have asked as may."""
    wechat_server.latency = 0.05
    hook = WeAnalysisHook(connect(wechat_server, max_concurrency=2))
    running, most = 0, 0
    lock = threading.Lock()
    exchange = hook.client.channel.exchange

    def counted(request: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return exchange(request)
        finally:
            with lock:
                running -= 1

    hook.client.channel.exchange = counted  # type: ignore[method-assign]
    assert len(answers([hook], days, in_flight=16)) == len(days)
    assert most == 2


@pytest.mark.parametrize("empty", [["10022"], ["10016", "10023"]])
def test_empty_parts_are_named(
    hook: MakeHook, wechat_server: WeChatServer, yesterday: Period, empty: list[str]
) -> None:
    app = hook()
    client = app.client
    ask = client.ask

    def asked(endpoint: Any, period: Any, request: Any) -> Any:
        if request.body["module"] in empty:
            return {"errcode": 0, "data": {"body": {"tables": []}}}
        return ask(endpoint, period, request)

    client.ask = asked  # type: ignore[method-assign]
    lane = app.lane(resolve("performance_data"), [yesterday])
    (answer,) = ask_all([lane], in_flight=4, stop=Stop())
    assert answer.rows
    assert answer.empty_parts == tuple(f"module {module}" for module in empty)


class TestOneFlight:
    """What is of no use is tried by one thread, and the others learn of it."""

    @pytest.mark.parametrize("width", [4, 16])
    def test_a_dead_token_endpoint(
        self, hook: MakeHook, wechat_server: WeChatServer, yesterday: Period, pauses: list[float], width: int
    ) -> None:
        wechat_server.faults.add(faults.hang(30), endpoint="token", times=None)
        app = hook(max_concurrency=width, timeout=0.2)
        found = answers([app], [DAY.earlier(yesterday, back) for back in range(365)], in_flight=width)
        assert len(found) == 365
        assert {type(answer.error) for answer in found} == {TransportError}
        assert wechat_server.count("token") == 5
        assert wechat_server.count("daily_summary") == 0

    @pytest.mark.parametrize("auth", ["stable", "static"])
    def test_an_unreachable_host(
        self, connect: Any, wechat_server: WeChatServer, yesterday: Period, pauses: list[float], auth: str
    ) -> None:
        connect(wechat_server, auth=auth, max_concurrency=16)
        hook = WeAnalysisHook()
        port, reached = free_port(), []
        settings = hook.client.settings
        object.__setattr__(settings, "base_url", f"http://127.0.0.1:{port}")
        reach = hook.client.channel.reach
        hook.client.channel.reach = lambda url: (reached.append(url), reach(url))[1]  # type: ignore[method-assign,func-returns-value]
        found = answers([hook], [DAY.earlier(yesterday, back) for back in range(365)], in_flight=16)
        assert len(found) == 365
        assert {str(answer.error) for answer in found} == {str(found[0].error)}
        assert "connection refused" in str(found[0].error)
        assert len(reached) == 5


def test_no_socket_is_left_to_the_garbage_collector(
    wechat_server: WeChatServer, connect: Any, yesterday: Period
) -> None:
    """As a trigger looks: a hook for each look, closed at once."""
    conn_id = connect(wechat_server)
    gc.collect()
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            with WeAnalysisHook(conn_id, threads=False, attempts=1) as hook:
                hook.fetch("daily_summary", yesterday)
        ours = len(os.listdir("/proc/self/fd")) - before
    finally:
        gc.enable()
    assert ours <= 2, "the server closes its ends in threads of its own"


def test_a_mistake_in_a_thread_does_not_hang(hook: MakeHook, days: list[Period]) -> None:
    app = hook()

    def broken(*_: object) -> Any:
        raise KeyError("a mistake of ours")

    app.client.ask = broken  # type: ignore[assignment,method-assign]
    with pytest.raises(KeyError):
        list(app.fetch_many("daily_summary", days))


def test_another_process_opens_its_own_connections(
    hook: MakeHook, wechat_server: WeChatServer, days: list[Period]
) -> None:
    app = hook(max_concurrency=1)
    expected = {day: app.fetch("daily_summary", day) for day in days[:2]}
    pid = os.fork()
    if not pid:  # the child: it must neither read from nor end the parent's connection
        ok = False
        try:
            ok = all(app.fetch("daily_summary", days[0]) == expected[days[0]] for _ in range(20))
            app.close()
        finally:
            os._exit(0 if ok else 1)
    wrong = [1 for _ in range(20) if app.fetch("daily_summary", days[1]) != expected[days[1]]]
    _, status = os.waitpid(pid, 0)
    assert not wrong
    assert status == 0


def test_errors_are_alike_whichever_way(apps: list[WeAnalysisHook], days: list[Period], wechat_server: Any) -> None:
    broken_day(wechat_server, days[0])
    for threads in (True, False):
        (answer,) = answers(apps[:1], days[:1], threads=threads)
        assert isinstance(answer.error, WeAnalysisError)
