"""What a person reads while a load is under way: how far it is, how fast, and how long it will take."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from airflow_provider_wxanalysis.folding import counted

#: Seconds between two lines, unless a statement ends in between.
EVERY = 30.0
#: From this many periods on, single ones are logged at DEBUG.
MANY = 20


class Progress:
    """Counts what was fetched and what is in the table.

    :param log: where lines go.
    :param clock: seconds, of any origin.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._started = self._told = clock()
        self.total = 0
        self.fetched = 0
        self.written = 0
        self.rows = 0

    @property
    def seconds(self) -> float:
        """How long the load has been under way."""
        return self._clock() - self._started

    def expect(self, count: int) -> None:
        """Add to the number of periods to fetch."""
        self.total += count

    def got(self, what: str, outcome: str) -> None:
        """Count one period's answer."""
        self.fetched += 1
        self._log.log(logging.INFO if self.total < MANY else logging.DEBUG, "%s: %s.", what, outcome)
        if self._clock() - self._told >= EVERY:
            self.say()

    def wrote(self, slices: int, rows: int) -> None:
        """Count what a statement has written."""
        self.written += slices
        self.rows += rows
        if self.fetched < self.total:
            self.say()

    def say(self) -> None:
        """Log one line."""
        self._told = self._clock()
        rate = self.fetched / max(self.seconds, 1e-3)
        left = (self.total - self.fetched) / rate if rate else 0.0
        self._log.info(
            "%s of %s fetched, %s in the table, %s, %.3g/s, about %s left.",
            f"{self.fetched:,}", f"{self.total:,}", f"{self.written:,}", counted(self.rows, "row"), rate,
            duration(left),
        )  # fmt: skip


def duration(seconds: float) -> str:
    """Return a time span as people say it: ``50 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
