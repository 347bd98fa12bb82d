"""Work that many threads need and one does."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Flight(Generic[T]):
    """Lets one thread work at a time; those that come meanwhile share what becomes of it, errors too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Future[T] | None = None

    def join(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns, or raise what it raises, of this call or of the one that is under way."""
        with self._lock:
            others = self._current
            flight = self._current = others or Future()
        if others:
            error = others.exception()
            if error:
                raise copy.copy(error)  # each thread has its own traceback
            return others.result()
        try:
            result = work()
        except BaseException as error:
            self._current = None
            flight.set_exception(error)
            raise
        self._current = None
        flight.set_result(result)
        return result
