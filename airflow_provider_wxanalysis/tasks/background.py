"""Work in threads of its own that never holds up a task that is to end."""

from __future__ import annotations

import concurrent.futures
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


def in_background(work: Callable[..., T], *arguments: Any) -> Future[T]:
    """Start ``work`` in a daemon thread and return its future.

    An executor's threads are waited for when it is left and when Python ends, even one that hangs in a request. These
    are not.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work(*arguments))
        except BaseException as error:  # whoever waits for the result raises it
            future.set_exception(error)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), name="weanalysis", daemon=True).start()
    return future


class Bell:
    """Ends every wait for something in the background at once; any thread may ring it."""

    def __init__(self) -> None:
        self._rung: Future[None] = Future()
        self._lock = threading.Lock()

    def ring(self) -> None:
        """End the waits."""
        with self._lock:
            if not self._rung.done():
                self._rung.set_result(None)

    @property
    def rung(self) -> bool:
        """Whether the waits have been ended."""
        return self._rung.done()

    def wait_for(self, future: Future[Any]) -> bool:
        """Wait until ``future`` is done; ``False`` if the bell rang first."""
        concurrent.futures.wait([future, self._rung], return_when=concurrent.futures.FIRST_COMPLETED)
        return future.done()
