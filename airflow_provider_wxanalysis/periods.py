"""The calendar: which natural days, weeks and months (Asia/Shanghai) are due in a run.

One rule makes it simple. A period is due in the run whose interval holds the instant at which the period closes: local
midnight after its last day, in ``(start, end]``. So adjoining intervals, cut anywhere, hold every period exactly once.

A :class:`Window` knows one thing: the period, if any, whose last day is a given day. Everything else follows.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pendulum

from airflow_provider_wxanalysis.exceptions import ConfigurationError

SHANGHAI = pendulum.timezone("Asia/Shanghai")
_DAY = dt.timedelta(days=1)
_SPELLINGS = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{4})(\d{2})(\d{2})", re.ASCII)


@dataclass(frozen=True, order=True)
class Period:
    """A range of whole calendar days in Asia/Shanghai.

    :param begin_date: first day.
    :param end_date: last day, inclusive.
    """

    begin_date: dt.date
    end_date: dt.date

    def __post_init__(self) -> None:
        if self.begin_date > self.end_date:
            raise ConfigurationError(f"A period cannot end ({self.end_date}) before it begins ({self.begin_date}).")

    @property
    def opens_at(self) -> pendulum.DateTime:
        """The instant the period begins: midnight in Asia/Shanghai before its first day."""
        return _midnight(self.begin_date)

    @property
    def closes_at(self) -> pendulum.DateTime:
        """The instant the period is over: midnight in Asia/Shanghai after its last day."""
        return _midnight(self.end_date + _DAY)

    def __str__(self) -> str:
        if self.begin_date == self.end_date:
            return self.begin_date.isoformat()
        return f"{self.begin_date.isoformat()}/{self.end_date.isoformat()}"


@dataclass(frozen=True)
class Window:
    """A kind of period: natural day, week or month, or a rolling number of days.

    :param name: its name in messages.
    :param first_day: the first day of the period whose last day is given, or ``None`` if none ends there.
    """

    name: str
    first_day: Callable[[dt.date], dt.date | None]

    def ending(self, day: dt.date) -> Period | None:
        """Return the period whose last day is ``day``; ``None`` if no period of this kind ends on it.

        :param day: the last day.
        """
        first = self.first_day(day)
        return None if first is None else Period(first, day)

    def latest(self, day: dt.date) -> Period:
        """Return the latest period that ends on ``day`` or before it.

        :param day: the day.
        """
        while (period := self.ending(day)) is None:
            day -= _DAY
        return period

    def containing(self, day: dt.date) -> Period:
        """Return the natural period that holds ``day``; for a rolling window, the one that ends on it.

        :param day: the day.
        """
        while (period := self.ending(day)) is None:
            day += _DAY
        return period

    def earlier(self, period: Period, count: int) -> Period:
        """Return an earlier period.

        :param period: where to count from.
        :param count: how many periods to go back.
        """
        for _ in range(count):
            period = self.latest(period.end_date - _DAY)
        return period

    def later(self, period: Period, count: int) -> Period:
        """Return a later period.

        :param period: where to count from.
        :param count: how many periods to go on.
        """
        for _ in range(count):
            period = self.containing(period.end_date + _DAY)
        return period

    def between(self, from_date: dt.date, to_date: dt.date) -> list[Period]:
        """Return the periods that make up the days ``from_date`` to ``to_date``.

        :param from_date: first day.
        :param to_date: last day, inclusive.
        :raises ConfigurationError: if the dates are reversed or do not fall on the edges of periods.
        """
        if from_date > to_date:
            raise ConfigurationError(f"from_date {from_date} is after to_date {to_date}.")
        ending = (self.ending(day) for day in _days(from_date, to_date))
        periods = [period for period in ending if period and period.begin_date >= from_date]
        if not periods or periods[0].begin_date != from_date or periods[-1].end_date != to_date:
            raise ConfigurationError(
                f"{from_date} to {to_date} must be made of whole periods of the window '{self.name}'; "
                f"the nearest that is: {self._nearest(from_date, to_date)}."
            )
        return periods

    def _nearest(self, from_date: dt.date, to_date: dt.date) -> str:
        first = self.containing(from_date)
        return f"{first.begin_date} to {max(first, self.containing(to_date)).end_date}"

    def __repr__(self) -> str:
        return f"<Window {self.name}>"


def _monday(day: dt.date) -> dt.date | None:
    return day - 6 * _DAY if day.isoweekday() == 7 else None


def _first_of_month(day: dt.date) -> dt.date | None:
    return day.replace(day=1) if (day + _DAY).day == 1 else None


def _that_day(day: dt.date) -> dt.date:
    return day


def _six_days_before(day: dt.date) -> dt.date:
    return day - 6 * _DAY


def _twenty_nine_days_before(day: dt.date) -> dt.date:
    return day - 29 * _DAY


DAY = Window("day", _that_day)
WEEK = Window("week", _monday)
MONTH = Window("month", _first_of_month)
LAST_7_DAYS = Window("last 7 days", _six_days_before)
LAST_30_DAYS = Window("last 30 days", _twenty_nine_days_before)


def due_periods(window: Window, start: dt.datetime | None, end: dt.datetime) -> list[Period]:
    """Return the periods that close within ``(start, end]``, in order. It reads no clock: ``end`` should have passed.

    :param window: the kind of period.
    :param start: aware start of the interval. ``None``, or equal to ``end`` (a zero-width run, Airflow 3's default
        for cron strings), means the latest period closed at ``end``.
    :param end: aware end of the interval.
    :raises ConfigurationError: if a datetime is naive, or ``start`` is after ``end``.
    """
    last = last_closed_day(end)
    if start is None:
        return [window.latest(last)]
    first = last_closed_day(start) + _DAY
    # Compared in UTC: Python compares datetimes of one zone by wall clock, which is set back once a year.
    begins, ends = start.astimezone(dt.UTC), end.astimezone(dt.UTC)
    if begins == ends:
        return [window.latest(last)]
    if begins > ends:
        raise ConfigurationError(f"The interval ends ({end}) before it starts ({start}).")
    return [period for day in _days(first, last) if (period := window.ending(day))]


def last_closed_day(instant: dt.datetime) -> dt.date:
    """Return the last day that is over in Asia/Shanghai at ``instant``.

    :param instant: aware.
    :raises ConfigurationError: if ``instant`` is naive.
    """
    if instant.utcoffset() is None:
        raise ConfigurationError(f"{instant!r} has no time zone; give an aware datetime.")
    return dt.date.fromordinal(instant.astimezone(SHANGHAI).toordinal() - 1)


def parse_date(text: str) -> dt.date:
    """Read a date written ``YYYY-MM-DD`` or ``YYYYMMDD``.

    :param text: the date.
    :raises ConfigurationError: if it is neither, or not a day of the calendar.
    """
    found = _SPELLINGS.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ConfigurationError(f"A date must be written YYYY-MM-DD or YYYYMMDD, got {text!r}.")
    try:
        return dt.date(*(int(part) for part in found.groups() if part))
    except ValueError as error:
        raise ConfigurationError(f"A date must be a day of the calendar, got {text!r}: {error}.") from None


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield dt.date.fromordinal(ordinal)


def _midnight(day: dt.date) -> pendulum.DateTime:
    return pendulum.datetime(day.year, day.month, day.day, tz=SHANGHAI)
