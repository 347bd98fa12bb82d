"""Work in threads of its own that never holds up a task that is to end."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from airflow_provider_wxanalysis.wechat.waits import Stop

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


def wait_for(future: Future[T], stop: Stop) -> T:
    """Return a future's result, or raise its error.

    :raises FetchCancelledError: if ``stop`` is set before it has one.
    """
    news: queue.SimpleQueue[None] = queue.SimpleQueue()
    future.add_done_callback(lambda _: news.put(None))
    with stop.calling(lambda: news.put(None)):
        if not stop.is_set():
            news.get()
    if not future.done():
        stop.check()
    return future.result()
