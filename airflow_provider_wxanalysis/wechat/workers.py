"""Threads that make calls: started as needed, ended together."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

Job = Callable[[], object]

#: Seconds to wait for threads at the end. One that is looking up a name cannot be woken: it is left behind.
PATIENCE = 2.0


class Slots:
    """How many jobs of one kind may run at once; the others wait here."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._running = 0
        self._waiting: deque[Job] = deque()
        self._lock = threading.Lock()

    def take(self, job: Job) -> bool:
        """Return whether ``job`` may run now; if not, a later :meth:`next` hands it out."""
        with self._lock:
            if self._running < self.limit:
                self._running += 1
                return True
            self._waiting.append(job)
            return False

    def next(self) -> Job | None:
        """Return what may run after a job has ended; ``None`` if nothing waits."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._running -= 1
            return None


class Workers:
    """Up to ``size`` threads. A new one starts only when none is idle, since each takes memory of its own.

    Unlike an executor's, they do not keep Python from ending.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._idle = threading.Semaphore(0)
        self._jobs: queue.SimpleQueue[tuple[Slots, Job] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, slots: Slots, job: Job) -> None:
        """Have a job run, as soon as its kind has a free slot and a thread is free."""
        if not slots.take(job):
            return
        self._jobs.put((slots, job))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._size:
            thread = threading.Thread(target=self._work, name=f"weanalysis-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        """Let the threads end once they have nothing to do, and wait a moment for them."""
        for _ in self._threads:
            self._jobs.put(None)
        join(self._threads, PATIENCE)

    def _work(self) -> None:
        while taken := self._jobs.get():
            slots, job = taken
            following: Job | None = job
            while following:
                following()
                following = slots.next()
            self._idle.release()


def join(threads: Iterable[threading.Thread], seconds: float) -> None:
    """Wait for threads, but no longer than ``seconds`` for all of them."""
    ends_at = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
