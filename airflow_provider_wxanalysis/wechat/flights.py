"""Work whose result many threads need and only one computes."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


#: Seconds for which a failure is shared with threads that come just after it.
AFTERMATH = 1.0


class Flight(Generic[T]):
    """Lets one thread work at a time; threads that come meanwhile share its result, or its error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Future[T] | None = None
        self._failed: tuple[float, Exception] = (float("-inf"), Exception())

    def join(self, work: Callable[[], T]) -> T:
        """Return the result of ``work``, or raise its error: this call's, or that of the one already under way."""
        with self._lock:
            failed_at, error = self._failed
            if time.monotonic() - failed_at < AFTERMATH:
                raise copy.copy(error)  # each thread has its own traceback
            others = self._current
            flight = self._current = others or Future()
        if others:
            shared = others.exception()
            if shared:
                raise copy.copy(shared)
            return others.result()
        try:
            result = work()
        except BaseException as mine:
            if isinstance(mine, Exception):
                self._failed = time.monotonic(), mine
            self._current = None
            flight.set_exception(mine)
            raise
        self._current = None
        flight.set_result(result)
        return result
