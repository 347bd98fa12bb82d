"""A fetch that is to end: by a stop, a signal, a close, or an error that makes the rest useless."""

from __future__ import annotations

import datetime as dt
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from airflow_provider_wxanalysis.exceptions import (
    NotAuthorizedError,
)
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.testing import WeChatServer, faults
from airflow_provider_wxanalysis.wechat import lanes, pace, pool, waits, wire, workers
from airflow_provider_wxanalysis.wechat.pool import ask_all
from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError, Stop
from tests.conftest import APPS
from tests.wechat.conftest import answers

MakeHook = Callable[..., WeAnalysisHook]
#: The shortest of the waits that are cut short here, in seconds, and the most that an end of them may take: half of it,
#: for a busy machine. Whoever waits for anything to run out, or looks around now and then, takes longer.
LONG = 600.0
AT_ONCE = LONG / 2


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


@pytest.mark.parametrize("way", ["fetch", "fetch_many"])
def test_a_name_look_up_does_not_hold_up_the_end(
    hook: MakeHook, days: list[Period], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """No signal interrupts a look-up, since C code makes it: so it must not be made by the thread that gets signals."""
    app, released = hook(host="https://api.weixin.qq.com"), threading.Event()
    looking: list[threading.Thread] = []

    def stuck(*args: object, **kwargs: object) -> Any:
        looking.append(threading.current_thread())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
        released.wait(LONG)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    class EndedError(Exception):
        pass

    def end(*_: object) -> None:
        raise EndedError

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    monkeypatch.setattr(workers, "PATIENCE", 0.1)
    former = signal.signal(signal.SIGALRM, end)
    ways: dict[str, Callable[[], object]] = {
        "fetch": lambda: app.fetch("daily_summary", days[0]),
        "fetch_many": lambda: list(app.fetch_many("daily_summary", days)),
    }
    try:
        with pytest.raises(EndedError):
            ways[way]()
    finally:
        released.set()
        signal.signal(signal.SIGALRM, former)
    assert threading.main_thread() not in looking
