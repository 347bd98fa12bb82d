"""Work in other threads that never delays the end of a task."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from airflow_provider_wxanalysis.wechat.waits import TICK, Stop

T = TypeVar("T")


class Background:
    """A thread that does one piece of work after the other; one thread for all, since each holds memory of its own.

    An executor's threads are waited for when it is left and when Python ends, even one that hangs in a request. This
    one is not.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="weanalysis", daemon=True).start()

    def submit(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have ``work`` done after what was submitted before, and return its future."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(work(*arguments))
            except BaseException as error:  # whoever waits for the result raises it
                future.set_exception(error)

        context = contextvars.copy_context()
        self._work.put(lambda: context.run(run))
        return future

    def end(self) -> None:
        """Let the thread end after its last piece of work."""
        self._work.put(None)

    def _run(self) -> None:
        while work := self._work.get():
            work()
            del work  # it holds what it was given


def in_background(work: Callable[..., T], *arguments: Any) -> Future[T]:
    """Start ``work`` in a thread of its own and return its future."""
    background = Background()
    future = background.submit(work, *arguments)
    background.end()
    return future


def wait_for(future: Future[T], stop: Stop) -> T:
    """Return a future's result, or raise its error.

    :raises FetchCancelledError: if ``stop`` is set before it has one.
    """
    news: queue.SimpleQueue[None] = queue.SimpleQueue()
    future.add_done_callback(lambda _: news.put(None))
    with stop.calling(lambda: news.put(None)):
        while not stop.is_set() and not future.done():
            with suppress(queue.Empty):
                news.get(timeout=TICK)
    if not future.done():
        stop.check()
    return future.result()
