"""Killing a worker at a chosen request."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from typing import Any

from tests.chaos.workers import Outcome, Worker
from tests.support.proxy import DROP, LOST, Exchange, Proxy, Rule


class Moment(enum.Enum):
    """When the worker dies."""

    BEFORE = "the request never arrives"
    DURING = "the server carries it out, and nothing waits for it"
    AFTER = "the server has carried it out, and the reply is lost"


def kind(exchange: Exchange) -> str:
    """Return what a request is for."""
    path = exchange.path.split("?")[0]
    by_path = {
        "/cgi-bin/": "token",
        "/datacube/": "data",
        "/queries/": "wait",
        "/jobs/": "job",
        "/tables": "table" if exchange.method == "GET" else "create",
    }
    by_statement = {"MERGE": "merge", "SELECT appid": "verify"}
    if exchange.sql:
        return next(name for start, name in by_statement.items() if exchange.sql.startswith(start))
    return next((name for part, name in by_path.items() if part in path), "dataset")


class Ambush:
    """Kills one worker at its ``number``-th request of a kind, whichever proxy that goes through.

    :param number: which request, from 1.
    :param moment: when.
    :param of: the kind; ``None`` for any.
    """

    def __init__(self, number: int, moment: Moment, of: str | None = None) -> None:
        self._left = number
        self._moment = moment
        self._of = of
        self._lock = threading.Lock()
        self._victim: Worker | None = None
        #: The request at which it died, to be delivered late if one likes.
        self.caught: Exchange | None = None
        self._sent = threading.Event()

    def spring(self, work: Callable[[], Any], *proxies: Proxy) -> Outcome:
        """Send a worker through the proxies and return how it ended."""
        for proxy in proxies:
            proxy.rules[:] = [self._rule(proxy)]
        self._victim = Worker(work)
        self._sent.set()
        outcome = self._victim.outcome()
        for proxy in proxies:
            proxy.rules.clear()
        return outcome

    def _rule(self, proxy: Proxy) -> Rule:
        def rule(exchange: Exchange) -> str | None:
            with self._lock:
                self._left -= self._of in (None, kind(exchange))
                if self._left or self._of not in (None, kind(exchange)):
                    return None
            self._sent.wait()
            assert self._victim is not None
            self.caught = exchange
            if self._moment is Moment.AFTER:
                proxy.forward(exchange)
            self._victim.kill()
            return DROP if self._moment is Moment.DURING else LOST

        return rule
