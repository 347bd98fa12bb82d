"""What to ask of each app, and what came of it: lanes, their turns, and answers."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, cast

from airflow_provider_wxanalysis.catalogue.rows import Rows
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.wechat import records
from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError
from airflow_provider_wxanalysis.wechat.workers import Slots

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.catalogue.performance import Selection
    from airflow_provider_wxanalysis.endpoints import Endpoint, Request
    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.wechat.client import Client

log = logging.getLogger(__name__)

#: Seconds that an app's calls under way may still take once asking on is useless: WeChat may yet answer them, but a
#: pause or a silent server must not hold up the task.
AFTERMATH = 3.0


class Lane(NamedTuple):
    """What to ask of one app.

    :param open: reads the app's connection and returns its client; called when the lane's turn comes.
    :param endpoint: the catalogue's entry.
    :param periods: the periods, in the order in which to ask for them; may be an iterator, which is not run ahead.
    :param key: how the caller identifies the lane.
    :param keep: whether the client stays open when all is answered. Its connections then end when another lane's turn
        comes, so that they do not add up; token and pace stay.
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


@dataclass(eq=False)
class App:
    """A client, shared by the lanes that its connection serves."""

    client: Client
    slots: Slots
    lines: int = 0


@dataclass(eq=False)
class Line:
    """A lane that is being asked.

    :param error: why asking on is useless, if it is.
    :param ends_at: when calls still under way are then cut off, by ``time.monotonic()``.
    :param held: how many of its replies are awaited or not yet taken.
    """

    lane: Lane
    periods: Iterator[Period]
    app: App | None = None
    error: WeAnalysisError | None = None
    ends_at: float = math.inf
    held: int = 0
    exhausted: bool = False

    def stop(self, error: WeAnalysisError) -> None:
        """Record why asking on is useless; the first reason counts."""
        if not self.error:
            self.error, self.ends_at = error, time.monotonic() + AFTERMATH


@dataclass(eq=False)
class Turn:
    """One period of a line: its requests, and what became of each."""

    line: Line
    period: Period
    requests: list[Request]
    replies: dict[int, records.Reply] = field(default_factory=dict)
    error: WeAnalysisError | None = None
    missing: int = 0

    @property
    def size(self) -> int:
        """How much it counts towards the bound on memory."""
        return len(self.requests) or 1

    def ask(self, request: Request) -> records.Reply | WeAnalysisError:
        """Make one of its calls, unless that has become useless."""
        line, endpoint = self.line, self.line.lane.endpoint
        if error := self.error or line.error:
            return error
        assert line.app
        try:
            return line.app.client.ask(endpoint, self.period, request)
        except WeAnalysisError as error:
            if error.stops_app:
                line.stop(error)
            return (line.error or error) if isinstance(error, FetchCancelledError) else error

    def answer(self) -> Answer:
        """Turn its replies into rows."""
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
        """Return the rows of one reply, and warn about anything odd in it."""
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


def _named(selection: Selection) -> str:
    return ", ".join(f"{name} {value}" for name, value in selection.items() if value != "all")
