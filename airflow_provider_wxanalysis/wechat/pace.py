"""How fast one app's calls follow each other, whichever thread makes them."""

from __future__ import annotations

import random
import threading
import time

from airflow_provider_wxanalysis.wechat.waits import Stop

#: What WeChat counts calls by, in seconds.
MINUTE = 60.0
#: Calls in a minute after the first refusal; every further one halves them.
_SLOWED = 30
_SLOWEST = 2
#: What each answer multiplies the interval by: 34 answers make up for one halving of the rate.
_FASTER = 0.98


class Pace:
    """Spaces calls; when WeChat refuses one for the rate limit (45011), all of them pause, and go slower afterwards.

    Other processes may share the limit: tasks of the same app. So pauses vary at random, the rate is halved at each
    refusal, and recovers little by little: that way every process gets a share without knowing of the others.

    :param per_minute: the most calls in a minute; ``None`` for no limit.
    :param stop: ends the waiting.
    """

    def __init__(self, per_minute: int | None, stop: Stop) -> None:
        self._fastest = self._interval = MINUTE / per_minute if per_minute else 0.0
        self._stop = stop
        self._lock = threading.Lock()
        self._next = 0.0
        self._pauses = 0
        self._refusals = 0

    def wait(self) -> int:
        """Wait for the next call's turn.

        :return: how many pauses there have been, for :meth:`slow_down`.
        :raises FetchCancelledError: if it is stopped.
        """
        while True:
            with self._lock:
                now, pauses = time.monotonic(), self._pauses
                slot = max(now, self._next)
                self._next = slot + self._interval
            if slot > now:
                self._stop.wait(slot - now)
            else:
                self._stop.check()
            if pauses == self._pauses:  # else a pause has begun since the turn was given
                return pauses

    def slow_down(self, turn: int) -> tuple[int, float]:
        """Make all calls pause, because one was refused.

        :param turn: what :meth:`wait` returned before the call.
        :return: how many pauses in a row went by without an answer, this one included; and the seconds left of it.
        """
        with self._lock:
            now = time.monotonic()
            if turn == self._pauses:  # else it was under way when another's refusal began the pause
                self._pauses += 1
                self._refusals += 1
                self._next = now + MINUTE * random.uniform(1, 1.25)
                self._interval = min(max(2 * self._interval, MINUTE / _SLOWED), MINUTE / _SLOWEST)
            return self._refusals, max(0.0, self._next - now)

    def speed_up(self) -> None:
        """Record that WeChat has answered."""
        if self._refusals or self._interval > self._fastest:
            with self._lock:
                self._refusals = 0
                faster = self._interval * _FASTER
                self._interval = max(faster if faster > MINUTE / 1000 else 0.0, self._fastest)
