"""Asking for many periods of many apps at once, with bounded memory, until all is answered or it is stopped.

The iterating thread reads the apps' connections and makes the rows; the others do nothing but call WeChat, so that
each is soon at its next request.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.wechat import records
from airflow_provider_wxanalysis.wechat.lanes import Answer, App, Lane, Line, Turn
from airflow_provider_wxanalysis.wechat.waits import TICK, Stop
from airflow_provider_wxanalysis.wechat.workers import Slots, Workers

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.endpoints import Request
    from airflow_provider_wxanalysis.wechat.client import Client


def ask_all(
    lanes: Iterable[Lane], *, in_flight: int, stop: Stop, threads: bool = True, in_order: bool = False
) -> Generator[Answer]:
    """Ask for all periods of all lanes.

    At most ``in_flight`` requests are under way at once, and at most ``max_concurrency`` of one app; at most twice
    ``in_flight`` replies are held. Errors are answers like any other. After one that ``stops_app``, the remaining
    periods of its lane are not asked for but answered with it; so are calls under way that do not end within seconds.

    :param lanes: what to ask; may be an iterator, which is not run ahead.
    :param in_flight: the most requests under way.
    :param stop: ends it when set: the connections are closed, and the next answer is a
        :class:`~airflow_provider_wxanalysis.wechat.waits.FetchCancelledError`. It is set if the caller stops iterating
        while requests are under way.
    :param threads: whether to make the calls in threads; else they are made one by one, in the caller's.
    :param in_order: whether answers come in the order of the questions; else each comes as soon as it is there.
    """
    desk = _Desk(iter(lanes), in_flight, threads=threads, in_order=in_order)
    with stop.calling(desk.cancel):
        try:
            while turn := desk.next(stop):
                yield turn.answer()
        finally:
            if desk.busy:
                stop.set()
            desk.end()


class _Desk:
    """Keeps the threads busy and collects their replies; used by one thread, except :meth:`cancel`."""

    def __init__(self, lanes: Iterator[Lane], in_flight: int, *, threads: bool, in_order: bool) -> None:
        self._lanes = lanes
        self._most = 2 * in_flight if threads else 1
        self._in_order = in_order
        self._workers = Workers(in_flight) if threads else None
        self._apps: dict[int, App] = {}
        self._lines: dict[Line, None] = {}  # in order
        self._kept: list[Client] = []
        self._held = 0
        self._turns: dict[int, Turn] = {}
        self._jobs: deque[Callable[[], None]] = deque()
        self._results: queue.SimpleQueue[tuple[Turn, int, records.Reply | Exception] | None]
        self._results = queue.SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return any(turn.missing for turn in self._turns.values())

    def next(self, stop: Stop) -> Turn | None:
        """Return the next turn that is complete; ``None`` when all are done."""
        while True:
            stop.check()
            self._fill()
            if not self._turns:
                return None
            if turn := self._complete():
                return turn
            if self._jobs:
                self._jobs.popleft()()
            with suppress(queue.Empty):
                if taken := self._results.get(timeout=self._cut_off()):
                    self._take(*taken)

    def cancel(self) -> None:
        """End all calls, and wake the thread that waits for them; a signal handler may call it."""
        for app in list(self._apps.values()):
            app.client.close()
        self._results.put(None)

    def end(self) -> None:
        """Release threads and clients."""
        if self._workers:
            self._workers.end()
        for line in list(self._lines):
            self._close(line)

    def _cut_off(self) -> float:
        """Cut off the calls of apps whose time is up, and return how many seconds to wait for the others."""
        now, seconds = time.monotonic(), TICK
        for line in self._lines:
            if line.app and line.app.lines == 1:
                if line.ends_at <= now:
                    line.app.client.close()
                else:
                    seconds = min(seconds, line.ends_at - now)
        return seconds

    def _complete(self) -> Turn | None:
        for turn in self._turns.values():
            if not turn.missing:
                del self._turns[id(turn)]
                self._hold(turn.line, -turn.size)
                self._close(turn.line, only_if_done=True)
                return turn
            if self._in_order:
                return None
        return None

    def _take(self, turn: Turn, number: int, reply: records.Reply | Exception) -> None:
        turn.missing -= 1
        if isinstance(reply, WeAnalysisError):
            turn.error = turn.error or reply
        elif isinstance(reply, Exception):
            raise reply
        else:
            turn.replies[number] = reply

    def _fill(self) -> None:
        """Ask as much as the bounds allow."""
        while self._held < self._most:
            open_ = [line for line in self._lines if not line.exhausted and line.held < self._share(line)]
            line = min(open_, key=lambda each: each.held) if open_ else self._open()
            if line is None:
                return
            self._ask(line)

    def _hold(self, line: Line, replies: int) -> None:
        """Count replies as awaited or not yet taken; as no longer so, if negative."""
        line.held += replies
        self._held += replies

    def _share(self, line: Line) -> int:
        return 2 * line.app.slots.limit if line.app else self._most

    def _open(self) -> Line | None:
        lane = next(self._lanes, None)
        if lane is None:
            return None
        while self._kept:  # a process may not have as many connections open as there are apps
            self._kept.pop().channel.hang_up()
        line = Line(lane, iter(lane.periods))
        try:
            client = lane.open()
        except WeAnalysisError as error:
            line.error = error
        else:
            line.app = self._apps.setdefault(id(client), App(client, Slots(client.settings.max_concurrency)))
            line.app.lines += 1
        self._lines[line] = None
        return line

    def _ask(self, line: Line) -> None:
        try:
            period = next(line.periods)
        except StopIteration:
            line.exhausted = True
            self._close(line, only_if_done=True)
            return
        turn = Turn(line, period, [] if line.error else line.lane.endpoint.requests(period), error=line.error)
        turn.missing = len(turn.requests)
        self._hold(turn.line, turn.size)
        self._turns[id(turn)] = turn
        for number, request in enumerate(turn.requests):
            job = partial(self._work, turn, number, request)
            if self._workers and line.app:
                self._workers.submit(line.app.slots, job)
            else:
                self._jobs.append(job)

    def _work(self, turn: Turn, number: int, request: Request) -> None:
        try:
            self._results.put((turn, number, turn.ask(request)))
        except Exception as error:  # a bug of ours: the iterating thread raises it
            self._results.put((turn, number, error))

    def _close(self, line: Line, *, only_if_done: bool = False) -> None:
        if line not in self._lines or (only_if_done and (line.held or not line.exhausted)):
            return
        del self._lines[line]
        if line.app:
            line.app.lines -= 1
            if not line.app.lines:
                del self._apps[id(line.app.client)]
                if line.lane.keep:
                    self._kept.append(line.app.client)
                else:
                    line.app.client.close()
