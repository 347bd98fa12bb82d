"""What a bad network does to a request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

from tests.chaos.ambush import kind
from tests.support.proxy import DROP, LOST, Exchange, Proxy, Rule, api_error

#: How long workers wait for BigQuery's answers here; seconds.
TIMEOUT = 5.0
#: How long a request takes that comes late: longer than the client waits before it asks again; seconds.
LATE = 3.0


class Network:
    """A bad network in front of a server.

    :param proxy: what the requests go through.
    """

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.done = 0
        self._late: list[threading.Timer] = []
        self._over = threading.Event()
        self.faults: dict[str, Callable[[Exchange], object]] = {
            "request lost": lambda exchange: LOST,
            "reply lost": lambda exchange: DROP,
            "late": lambda exchange: time.sleep(LATE),
            "twice": proxy.forward,
            "lost, and arrives late": self._deliver_late,
            "no answer": self._never_answer,
            "503 once it is done": self._unavailable,
        }

    def strike(self, fault: str, exchange: Exchange) -> object:
        """Let a fault happen to a request and return the proxy's verdict."""
        self.done += 1
        return self.faults[fault](exchange)

    def once(self, fault: str, of: str) -> Rule:
        """Return a rule by which a fault happens to the first request of a kind."""
        left = [fault]

        def rule(exchange: Exchange) -> object:
            forget_request_id(exchange)
            return self.strike(left.pop(), exchange) if kind(exchange) == of and left else None

        return rule  # type: ignore[return-value]

    def settle(self) -> None:
        """Hang up on those who still wait for an answer, and wait until all late requests have arrived."""
        self._over.set()
        for timer in self._late:
            timer.join()
        self._late.clear()
        self._over = threading.Event()

    def _deliver_late(self, exchange: Exchange) -> str:
        copy = Exchange(exchange.method, exchange.path, exchange.headers, exchange.raw)
        timer = threading.Timer(LATE, self.proxy.forward, (copy,))
        self._late.append(timer)
        timer.start()
        return LOST

    def _never_answer(self, exchange: Exchange) -> str:
        self.proxy.forward(exchange)
        self._over.wait()
        return LOST

    def _unavailable(self, exchange: Exchange) -> object:
        self.proxy.forward(exchange)
        return api_error(503, "backendError", "Try again.")


def forget_request_id(exchange: Exchange) -> None:
    """Take the ``requestId`` from a query: BigQuery repeats the answer to a known one, local-bigquery says 409."""
    if kind(exchange) == "verify":
        exchange.raw = json.dumps({**exchange.body, "requestId": None}).encode()
