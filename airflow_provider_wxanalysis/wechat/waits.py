"""Waiting that can be ended from outside: every pause of the client goes through here."""

from __future__ import annotations

import queue
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from airflow_provider_wxanalysis.exceptions import WeAnalysisError

#: The pause before the second try, in seconds; it doubles with every further one.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
#: The longest that anything blocks at a time, in seconds. A signal that comes in the instant before the main thread
#: blocks does not wake it, and Python runs its handler only once it is awake.
TICK = 1.0


class FetchCancelledError(WeAnalysisError):
    """The answer is not wanted any more: the task is being ended."""

    retryable = True
    stops_app = True


class Stop:
    """A flag, set once, that ends waits. It takes no lock, so a signal handler may set it whatever it interrupts."""

    def __init__(self) -> None:
        self._set = False
        self._calls: dict[int, Callable[[], object]] = {}

    def set(self) -> None:
        """Stop: end all waits, now and from now on."""
        self._set = True
        for call in list(self._calls.values()):
            call()

    def is_set(self) -> bool:
        """Whether it has been stopped."""
        return self._set

    def check(self) -> None:
        """Check that it has not been stopped.

        :raises FetchCancelledError: if it has.
        """
        if self._set:
            raise FetchCancelledError("The fetch was cancelled, because its task is being ended.")

    def wait(self, seconds: float) -> None:
        """Sleep, unless it is stopped.

        :raises FetchCancelledError: at once when it is.
        """
        alarm: queue.SimpleQueue[None] = queue.SimpleQueue()
        ends_at = time.monotonic() + seconds
        with self.calling(lambda: alarm.put(None)):
            while not self._set and (left := ends_at - time.monotonic()) > 0:
                with suppress(queue.Empty):
                    alarm.get(timeout=min(left, TICK))
        self.check()

    @contextmanager
    def calling(self, call: Callable[[], object]) -> Iterator[None]:
        """Call ``call`` if it is stopped while the block lasts."""
        self._calls[id(call)] = call
        try:
            yield
        finally:
            del self._calls[id(call)]


def backoff(failed: int) -> float:
    """Return how many seconds to pause after so many failures: exponential backoff with jitter."""
    return min(FIRST_PAUSE * 2.0 ** (failed - 1), LONGEST_PAUSE) + random.uniform(0, FIRST_PAUSE)
