"""Asking for many periods of many apps at once, with bounded memory, until all is answered or somebody says stop.

Whoever iterates opens the connections and makes the rows; threads do nothing but call WeChat, so that they are soon at
their next requests.
"""

from __future__ import annotations

import logging
import queue
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from airflow_provider_wxanalysis.catalogue.rows import Rows
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.wechat import records
from airflow_provider_wxanalysis.wechat.waits import TICK, Stop
from airflow_provider_wxanalysis.wechat.workers import Slots, Workers

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.catalogue.performance import Selection
    from airflow_provider_wxanalysis.endpoints import Endpoint, Request
    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.wechat.client import Client

log = logging.getLogger(__name__)


class Lane(NamedTuple):
    """What to ask of one app.

    :param open: reads the app's connection and returns its client; called when the lane's turn comes.
    :param endpoint: the catalogue's entry.
    :param periods: the periods, in the order in which to ask for them; may be an iterator, which is not run ahead.
    :param key: whatever the caller knows the lane by.
    :param keep: whether the client stays open when all is answered.
    """

    open: Callable[[], Client]
    endpoint: Endpoint
    periods: Iterable[Period]
    key: str
    keep: bool = False


class Answer(NamedTuple):
    """What came of one period of a lane.

    :param lane: the lane.
    :param client: the app's client; ``None`` if its connection cannot be read.
    :param period: the period.
    :param rows: its rows; ``None`` if there is an error.
    :param error: why there are no rows.
    :param empty_parts: the parts that came without rows, where a period is fetched in several.
    """

    lane: Lane
    client: Client | None
    period: Period
    rows: Rows | None
    error: WeAnalysisError | None
    empty_parts: tuple[str, ...] = ()


def ask_all(
    lanes: Iterable[Lane], *, in_flight: int, stop: Stop, threads: bool = True, in_order: bool = False
) -> Generator[Answer]:
    """Ask for all periods of all lanes.

    At most ``in_flight`` requests are under way at once, and at most ``max_concurrency`` of one app; at most twice
    ``in_flight`` replies are held. Errors are answers like any other; after one that ``stops_app``, all further periods
    of its lane are answered with it, and not asked for.

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


@dataclass(eq=False)
class _App:
    """A client, shared by the lanes that its connection serves."""

    client: Client
    slots: Slots
    lines: int = 0


@dataclass(eq=False)
class _Line:
    """A lane that is being asked.

    :param held: how many of its replies are awaited, or wait to be taken.
    """

    lane: Lane
    periods: Iterator[Period]
    app: _App | None = None
    error: WeAnalysisError | None = None
    held: int = 0
    exhausted: bool = False


@dataclass(eq=False)
class _Turn:
    """One period of a line: its requests, and what became of each."""

    line: _Line
    period: Period
    requests: list[Request]
    replies: dict[int, records.Reply] = field(default_factory=dict)
    error: WeAnalysisError | None = None
    missing: int = 0

    @property
    def size(self) -> int:
        """How much it counts where memory is bounded."""
        return len(self.requests) or 1

    def ask(self, request: Request) -> records.Reply | WeAnalysisError:
        """Make one of its calls, unless it is of no use any more."""
        line, endpoint = self.line, self.line.lane.endpoint
        if error := self.error or line.error:
            return error
        assert line.app
        try:
            return line.app.client.ask(endpoint, self.period, request)
        except WeAnalysisError as error:
            if error.stops_app:
                line.error = error
            return error

    def answer(self) -> Answer:
        """Make its rows."""
        client = self.line.app.client if self.line.app else None
        rows: Rows | None = None
        empty: list[str] = []
        error = self.error
        try:
            for number, request in enumerate(self.requests if not error else ()):
                part = self._read(cast("Client", client), self.replies.pop(number), request.selection)
                rows = part if rows is None else rows + part
                if not part and len(self.requests) > 1:
                    empty.append(_named(request.selection))
        except WeAnalysisError as unreadable:
            error = unreadable
        return Answer(self.line.lane, client, self.period, None if error else rows, error, tuple(empty))

    def _read(self, client: Client, reply: records.Reply, selection: Selection) -> Rows:
        """Return the rows of one reply, and warn about what is odd with it."""
        endpoint = self.line.lane.endpoint
        report = records.read(endpoint, client.appid, self.period, reply, selection)
        news = report.unknown - client.warned_about
        if news:
            client.warned_about |= news
            log.warning("%s: the catalogue does not know %s; kept as it came.", endpoint.name, ", ".join(sorted(news)))
        if report.duplicates:
            log.warning(
                "%s %s: %d rows repeat the key of another; kept.", endpoint.name, self.period, report.duplicates
            )
        return report.rows


class _Desk:
    """Keeps the threads busy and takes in what they bring; used by one thread, but for :meth:`cancel`."""

    def __init__(self, lanes: Iterator[Lane], in_flight: int, *, threads: bool, in_order: bool) -> None:
        self._lanes = lanes
        self._most = 2 * in_flight if threads else 1
        self._in_order = in_order
        self._workers = Workers(in_flight) if threads else None
        self._apps: dict[int, _App] = {}
        self._lines: list[_Line] = []
        self._turns: dict[int, _Turn] = {}
        self._jobs: deque[Callable[[], None]] = deque()
        self._results: queue.SimpleQueue[tuple[_Turn, int, records.Reply | Exception] | None]
        self._results = queue.SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return any(turn.missing for turn in self._turns.values())

    def next(self, stop: Stop) -> _Turn | None:
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
                if taken := self._results.get(timeout=TICK):
                    self._take(*taken)

    def cancel(self) -> None:
        """End all calls, and wake who waits for them; a signal handler may call it."""
        for app in list(self._apps.values()):
            app.client.close()
        self._results.put(None)

    def end(self) -> None:
        """Let go of threads and clients."""
        if self._workers:
            self._workers.end()
        for line in list(self._lines):
            self._close(line)

    def _complete(self) -> _Turn | None:
        for turn in self._turns.values():
            if not turn.missing:
                del self._turns[id(turn)]
                turn.line.held -= turn.size
                self._close(turn.line, only_if_done=True)
                return turn
            if self._in_order:
                return None
        return None

    def _take(self, turn: _Turn, number: int, reply: records.Reply | Exception) -> None:
        turn.missing -= 1
        if isinstance(reply, WeAnalysisError):
            turn.error = turn.error or reply
        elif isinstance(reply, Exception):
            raise reply
        else:
            turn.replies[number] = reply

    def _fill(self) -> None:
        """Ask as much as the bounds allow."""
        while sum(line.held for line in self._lines) < self._most:
            open_ = [line for line in self._lines if not line.exhausted and line.held < self._share(line)]
            line = min(open_, key=lambda each: each.held) if open_ else self._open()
            if line is None:
                return
            self._ask(line)

    def _share(self, line: _Line) -> int:
        return 2 * line.app.slots.limit if line.app else self._most

    def _open(self) -> _Line | None:
        lane = next(self._lanes, None)
        if lane is None:
            return None
        line = _Line(lane, iter(lane.periods))
        try:
            client = lane.open()
        except WeAnalysisError as error:
            line.error = error
        else:
            line.app = self._apps.setdefault(id(client), _App(client, Slots(client.settings.max_concurrency)))
            line.app.lines += 1
        self._lines.append(line)
        return line

    def _ask(self, line: _Line) -> None:
        try:
            period = next(line.periods)
        except StopIteration:
            line.exhausted = True
            self._close(line, only_if_done=True)
            return
        turn = _Turn(line, period, [] if line.error else line.lane.endpoint.requests(period), error=line.error)
        turn.missing = len(turn.requests)
        line.held += turn.size
        self._turns[id(turn)] = turn
        for number, request in enumerate(turn.requests):
            job = partial(self._work, turn, number, request)
            if self._workers and line.app:
                self._workers.submit(line.app.slots, job)
            else:
                self._jobs.append(job)

    def _work(self, turn: _Turn, number: int, request: Request) -> None:
        try:
            self._results.put((turn, number, turn.ask(request)))
        except Exception as error:  # a mistake of ours: whoever waits for the answer raises it
            self._results.put((turn, number, error))

    def _close(self, line: _Line, *, only_if_done: bool = False) -> None:
        if only_if_done and (not line.exhausted or any(turn.line is line for turn in self._turns.values())):
            return
        if line not in self._lines:
            return
        self._lines.remove(line)
        if line.app:
            line.app.lines -= 1
            if not line.app.lines:
                del self._apps[id(line.app.client)]
                if not line.lane.keep:
                    line.app.client.close()


def _named(selection: Selection) -> str:
    return ", ".join(f"{name} {value}" for name, value in selection.items() if value != "all")
