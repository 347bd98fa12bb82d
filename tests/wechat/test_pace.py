"""The pace of one app's calls, alone and with others that share its limit."""

from __future__ import annotations

import random
import threading
import time

import pytest

from airflow_provider_wxanalysis.wechat import pace as pace_module
from airflow_provider_wxanalysis.wechat.pace import Pace
from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError, Stop

LIMIT = 30


class Limit:
    """So many calls in a calendar minute, by whoever asks; those that are refused do not count."""

    def __init__(self, minute: float) -> None:
        self.minute = minute
        self._lock = threading.Lock()
        self._window, self._calls = 0, 0

    def allows(self) -> bool:
        with self._lock:
            window = int(time.monotonic() / self.minute)
            if window != self._window:
                self._window, self._calls = window, 0
            self._calls += 1
            return self._calls <= LIMIT


def test_eight_tasks_of_four_threads_under_thirty_calls_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """All calls are made in the end, and no task sees five pauses in a row without an answer. A minute lasts 0.4 s."""
    minute = 0.4
    monkeypatch.setattr(pace_module, "MINUTE", minute)
    limit, worst, done = Limit(minute), [0] * 8, [0] * 8
    random.seed(20261126)

    def thread(task: int, pace: Pace) -> None:
        for _ in range(6):
            while True:
                turn = pace.wait()
                if limit.allows():
                    pace.speed_up()
                    done[task] += 1
                    break
                worst[task] = max(worst[task], pace.slow_down(turn)[0])

    threads = [
        threading.Thread(target=thread, args=(task, pace))
        for task, pace in enumerate(Pace(None, Stop()) for _ in range(8))
        for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert done == [24] * 8
    assert max(worst) < 5, worst


def test_one_refusal_makes_every_thread_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(Stop, "wait", lambda stop, seconds: waits.append(seconds))
    pace = Pace(None, Stop())
    turns = [pace.wait() for _ in range(4)]
    assert waits == []
    pauses = {pace.slow_down(turn)[0] for turn in turns}
    assert pauses == {1}, "four calls were under way, and it is one pause"
    assert pace.wait() == 1
    assert 60 <= waits[0] <= 75
    pace.speed_up()
    assert pace.slow_down(1)[0] == 1, "an answer ends the row"


def test_the_pace_is_halved_and_won_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    waits: list[float] = []

    def wait(stop: Stop, seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(Stop, "wait", wait)
    monkeypatch.setattr("airflow_provider_wxanalysis.wechat.pace.time.monotonic", lambda: now[0])
    pace = Pace(None, Stop())
    for expected in (2.0, 4.0, 8.0):
        pace.slow_down(pace.wait())
        pace.wait()
        waits.clear()
        pace.wait()
        assert waits == [pytest.approx(expected)]
    for _ in range(300):
        pace.speed_up()
    waits.clear()
    for _ in range(5):
        pace.wait()
    assert sum(waits[1:]) == 0


def test_a_wait_ends_when_it_is_told_to() -> None:
    stop = Stop()
    pace = Pace(1, stop)
    pace.wait()
    timer = threading.Timer(0.05, stop.set)
    timer.start()
    with pytest.raises(FetchCancelledError):
        pace.wait()
    timer.join()
