"""Asking for many periods of many apps: order, bounds, failures, and an end within moments."""

from __future__ import annotations

import datetime as dt
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
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
from airflow_provider_wxanalysis.wechat import lanes, pace, pool, waits, wire, workers
from airflow_provider_wxanalysis.wechat.lanes import Answer
from airflow_provider_wxanalysis.wechat.pool import ask_all
from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError, Stop
from tests.conftest import APPS
from tests.support.servers import free_port

MakeHook = Callable[..., WeAnalysisHook]
SUMMARY = ENDPOINTS["daily_summary"]
#: The shortest of the waits that are cut short here, in seconds, and the most that an end of them may take: half of it,
#: for a busy machine. Whoever waits for anything to run out, or looks around now and then, takes longer.
LONG = 600.0
AT_ONCE = LONG / 2


@pytest.fixture
def days(yesterday: Period) -> list[Period]:
    """Ten days, the latest last."""
    return [DAY.earlier(yesterday, back) for back in range(9, -1, -1)]


@pytest.fixture
def apps(wechat_server: WeChatServer, connect: Callable[..., str]) -> Iterator[list[WeAnalysisHook]]:
    """The hooks of two apps."""
    hooks = [WeAnalysisHook(connect(wechat_server, app, f"app_{app}")) for app in APPS]
    yield hooks
    for hook in hooks:
        hook.close()


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


def answers(hooks: list[WeAnalysisHook], days: list[Period], **options: Any) -> list[Answer]:
    asked = [hook.lane("daily_summary", days) for hook in hooks]
    return list(ask_all(asked, in_flight=options.pop("in_flight", 8), stop=Stop(), **options))


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


def test_a_signal_that_wakes_no_one_is_seen_within_five_seconds() -> None:
    """It may come in the instant before the main thread blocks; below, each is sent until it is seen."""
    assert waits.TICK + workers.PATIENCE < 5
    assert waits.TICK + lanes.AFTERMATH < 5


class TestTheEnd:
    """Whatever ends the task surfaces at the wait that is under way, and no call is made after it.

    All waits are so long that only being woken ends them in time: pauses, time-outs, and looks around.
    """

    @pytest.fixture(autouse=True)
    def long_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (waits, pool, wire):
            monkeypatch.setattr(module, "TICK", LONG)
        monkeypatch.setattr(workers, "PATIENCE", LONG)
        monkeypatch.setattr(pace, "MINUTE", LONG)
        monkeypatch.setattr(waits, "FIRST_PAUSE", LONG)
        monkeypatch.setattr(waits, "LONGEST_PAUSE", LONG)

    @pytest.fixture
    def app(self, hook: MakeHook) -> WeAnalysisHook:
        return hook(timeout=LONG)

    @pytest.fixture(params=["45011", "busy", "silent", "dripping"])
    def stuck(self, request: pytest.FixtureRequest, wechat_server: WeChatServer) -> WeChatServer:
        how = {
            "45011": faults.errcode(45011),
            "busy": faults.errcode(-1),
            "silent": faults.hang(2 * LONG),
            "dripping": faults.endless(0.05),
        }
        wechat_server.faults.add(how[request.param], endpoint="daily_summary", times=None)
        return wechat_server

    @staticmethod
    def asked(server: WeChatServer) -> None:
        while not server.count("daily_summary"):
            time.sleep(0.01)
        time.sleep(0.2)  # by now those who were refused are waiting; if one is not yet, it must end as well

    @contextmanager
    def ending(self, server: WeChatServer, most_calls: int) -> Iterator[None]:
        """What is in the block ends at once, with no more calls than were under way, and leaves no thread."""
        others, began = set(threading.enumerate()), time.monotonic()
        yield
        assert time.monotonic() - began < AT_ONCE
        assert 1 <= server.count("daily_summary") <= most_calls
        assert not [each for each in set(threading.enumerate()) - others if each.name.startswith("weanalysis-")]

    @contextmanager
    def signalled(self, server: WeChatServer, action: Callable[[], object]) -> Iterator[None]:
        """Send signals once WeChat has been asked, until the main thread has seen one, which does ``action``."""
        seen = threading.Event()

        def handle(*_: object) -> None:
            if not seen.is_set():
                seen.set()
                action()

        def send() -> None:
            self.asked(server)
            while not seen.wait(0.05):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

        former = signal.signal(signal.SIGALRM, handle)
        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield
        finally:
            sender.join()
            signal.signal(signal.SIGALRM, former)

    def test_a_stop(self, app: WeAnalysisHook, stuck: WeChatServer, days: list[Period]) -> None:
        stop = Stop()
        stopper = threading.Thread(target=lambda: (self.asked(stuck), stop.set()))
        with self.ending(stuck, most_calls=4):
            stopper.start()
            with pytest.raises(FetchCancelledError):
                list(ask_all([app.lane("daily_summary", days)], in_flight=4, stop=stop))
        stopper.join()

    @pytest.mark.parametrize("threads", [True, False])
    def test_a_signal(self, app: WeAnalysisHook, stuck: WeChatServer, days: list[Period], threads: bool) -> None:
        """As SIGTERM and execution_timeout do: an exception in the main thread."""

        class EndedError(Exception):
            pass

        def end() -> None:
            raise EndedError

        lane = app.lane("daily_summary", days)
        with self.ending(stuck, 4 if threads else 1), self.signalled(stuck, end), pytest.raises(EndedError):
            list(ask_all([lane], in_flight=4, stop=Stop(), threads=threads))

    @pytest.mark.parametrize("threads", [True, False])
    def test_a_close_within_a_signal_handler(
        self, app: WeAnalysisHook, stuck: WeChatServer, days: list[Period], threads: bool
    ) -> None:
        """As on_kill does."""
        lane = app.lane("daily_summary", days)
        with self.ending(stuck, 4 if threads else 1), self.signalled(stuck, app.close):
            found = list(ask_all([lane], in_flight=4, stop=Stop(), threads=threads))
        assert {type(answer.error) for answer in found} == {FetchCancelledError}

    def refuse(self, app: WeAnalysisHook, day: Period, server: WeChatServer) -> None:
        """Refuse one period for good, while others are awaited."""
        ask = app.client.ask

        def asked(endpoint: Any, period: Any, request: Any) -> Any:
            if period == day:
                self.asked(server)
                raise NotAuthorizedError(48001, "no")
            return ask(endpoint, period, request)

        app.client.ask = asked  # type: ignore[method-assign]

    def test_a_fatal_error_in_another_period(
        self, app: WeAnalysisHook, stuck: WeChatServer, days: list[Period]
    ) -> None:
        self.refuse(app, days[0], stuck)
        with self.ending(stuck, most_calls=3), pytest.raises(NotAuthorizedError):
            list(app.fetch_many("daily_summary", days))

    def test_a_fatal_error_in_one_of_several_apps(
        self, app: WeAnalysisHook, connect: Callable[..., str], stuck: WeChatServer, days: list[Period]
    ) -> None:
        """What is under way of that app ends, within moments; the other app's goes on."""
        self.refuse(app, days[0], stuck)
        with WeChatServer(published_at=dt.time(0)) as well, self.ending(stuck, most_calls=3):
            other = WeAnalysisHook(connect(well, APPS[1], "other"))
            found = answers([app, other], days)
        kinds = {(each.lane.key, type(each.error)) for each in found}
        assert kinds == {(app.weanalysis_conn_id, NotAuthorizedError), ("other", type(None))}
        assert len(found) == 2 * len(days)

    def test_what_is_answered_within_moments_counts(
        self, app: WeAnalysisHook, wechat_server: WeChatServer, days: list[Period], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "AFTERMATH", LONG)
        wechat_server.faults.add(faults.hang(0.5), endpoint="daily_summary", times=None)
        self.refuse(app, days[0], wechat_server)
        good = [answer.period for answer in answers([app], days) if answer.rows]
        assert good, "those that were under way"
        assert set(good) <= set(days[1:4])

    def test_the_hook_works_again(self, hook: MakeHook, wechat_server: WeChatServer, days: list[Period]) -> None:
        app = hook()
        fetching = app.fetch_many("daily_summary", days)
        next(iter(fetching))
        fetching.close()  # type: ignore[attr-defined]
        assert app.fetch("daily_summary", days[0])


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
