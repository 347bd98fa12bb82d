"""The server's clock: WeChat counts days in Beijing, wherever the client or this machine may be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

#: No summer time since 1991, long before the first mini program.
BEIJING = dt.timezone(dt.timedelta(hours=8), "Asia/Shanghai")

Now = dt.datetime | Callable[[], dt.datetime] | None


class Clock:
    """Tells the time in Beijing.

    :param now: ``None`` for the wall clock, an aware datetime for a clock that stands still, or a function.
    """

    def __init__(self, now: Now = None) -> None:
        self.set(now)

    def set(self, now: Now) -> None:
        """Change where the time comes from."""
        if isinstance(now, dt.datetime) and now.utcoffset() is None:
            raise ValueError(f"now={now!r} has no time zone; give an aware datetime.")
        self._now = now

    def __call__(self) -> dt.datetime:
        """Return the time in Beijing."""
        now = self._now
        if now is None:
            return dt.datetime.now(BEIJING)
        moment = now if isinstance(now, dt.datetime) else now()
        if moment.utcoffset() is None:
            raise ValueError("The clock function returned a datetime without a time zone.")
        local = moment.astimezone(BEIJING)
        # A plain datetime, whatever kind was given: pendulum's cannot subtract some others.
        return dt.datetime.combine(local.date(), local.time(), BEIJING)

    def last_published_day(self, published_at: dt.time) -> dt.date:
        """Return the last day whose figures are out, if a day's appear at ``published_at`` on the next."""
        now = self()
        return now.date() - dt.timedelta(days=1 if now.time() >= published_at else 2)
