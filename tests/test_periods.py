"""The calendar: adjoining intervals, cut anywhere, hold every period exactly once."""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
import itertools
from bisect import bisect_right
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import (
    DAY,
    LAST_7_DAYS,
    LAST_30_DAYS,
    MONTH,
    WEEK,
    Period,
    Window,
    due_periods,
    last_closed_day,
    parse_date,
)

WINDOWS = (DAY, WEEK, MONTH, LAST_7_DAYS, LAST_30_DAYS)
SHANGHAI = ZoneInfo("Asia/Shanghai")
MICROSECOND = dt.timedelta(microseconds=1)
UTC, LONDON = ZoneInfo("UTC"), ZoneInfo("Europe/London")
SYDNEY = ZoneInfo("Australia/Sydney")  # puts its clocks back at midnight in Shanghai
ELSEWHERE = ("America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
ZONES = [UTC, SHANGHAI, LONDON, SYDNEY, *map(ZoneInfo, ELSEWHERE)]


def at(text: str) -> dt.datetime:
    """An instant, in Shanghai unless the text has an offset."""
    instant = dt.datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def period(text: str) -> Period:
    begin, _, end = text.partition("/")
    return Period(day(begin), day(end or begin))


def texts(periods: Iterable[Period]) -> list[str]:
    return [str(found) for found in periods]


# --- the oracle: every period listed by its first day, found again by the instant at which it closes


def _last_day(window: Window, first: dt.date) -> dt.date | None:
    if window is WEEK:
        return first + dt.timedelta(6) if first.weekday() == calendar.MONDAY else None
    if window is MONTH:
        return first.replace(day=calendar.monthrange(first.year, first.month)[1]) if first.day == 1 else None
    return first + dt.timedelta({DAY: 0, LAST_7_DAYS: 6, LAST_30_DAYS: 29}[window])


def _calendar(window: Window) -> dict[dt.datetime, str]:
    closing = {}
    for ordinal in range(day("2015-01-01").toordinal(), day("2031-01-01").toordinal()):
        first = dt.date.fromordinal(ordinal)
        if last := _last_day(window, first):
            midnight = dt.datetime.combine(last + dt.timedelta(1), dt.time(), SHANGHAI)
            closing[midnight.astimezone(dt.UTC)] = f"{first}/{last}" if last > first else f"{first}"
    return closing


CALENDARS = {window: (list(closing := _calendar(window)), list(closing.values())) for window in WINDOWS}


def oracle(window: Window, start: dt.datetime | None, end: dt.datetime) -> list[str]:
    closes, names = CALENDARS[window]
    after = bisect_right(closes, end)
    return names[bisect_right(closes, start) if start else after - 1 : after]


#: Around these instants calendars are tricky: midnights in Shanghai, clocks put forward and back elsewhere.
LANDMARKS = [
    at(f"{hour}Z")
    for hour in (
        *("2024-02-29T16:00", "2025-01-05T16:00", "2021-01-03T16:00", "2024-11-03T06:00", "2024-03-10T07:00"),
        *("2024-10-27T01:00", "2024-03-31T01:00", "2024-04-06T15:00", "2024-04-06T16:00", "2021-04-03T14:00"),
    )
]
instants = st.one_of(
    st.datetimes(dt.datetime(2016, 1, 1), dt.datetime(2029, 12, 31), timezones=st.just(dt.UTC)),  # noqa: DTZ001
    st.builds(
        lambda mark, days, micros: (mark + dt.timedelta(days, microseconds=micros)).astimezone(dt.UTC),
        st.sampled_from(LANDMARKS),
        st.integers(-40, 40),
        st.one_of(st.integers(-1, 1), st.integers(-(3 * 3600 * 10**6), 3 * 3600 * 10**6)),
    ),
)
cuts = st.lists(instants, min_size=2, max_size=6, unique=True).map(sorted)
any_zone = st.sampled_from(ZONES) | st.timezones()
zones = any_zone.map(lambda zone: [zone]) | st.lists(any_zone, min_size=1)
ambiguous = [at(f"2024-04-06T{time}Z") for time in ("15:15", "15:45", "16:15", "16:45")]


@settings(max_examples=200)
@example(ambiguous, [SYDNEY])
@example(ambiguous, [SYDNEY, UTC])
@given(cuts, zones)
def test_adjoining_intervals_hold_every_period_once(cuts: list[dt.datetime], zones: list[ZoneInfo]) -> None:
    written = itertools.cycle(zones)
    for window in WINDOWS:
        parts = []
        for start, end in itertools.pairwise(cuts):
            part = texts(due_periods(window, start.astimezone(next(written)), end.astimezone(next(written))))
            assert part == oracle(window, start, end)
            parts += part
        assert parts == texts(due_periods(window, cuts[0], cuts[-1]))


@settings(max_examples=100)
@example(at("2024-04-06T16:30Z"), [SYDNEY, UTC])
@given(instants, zones)
def test_a_run_without_width_has_the_latest_closed_period(end: dt.datetime, zones: list[ZoneInfo]) -> None:
    written = end.astimezone(zones[0])
    for window in WINDOWS:
        latest = oracle(window, None, end)
        assert texts(due_periods(window, None, written)) == latest
        assert texts(due_periods(window, written, end.astimezone(zones[-1]))) == latest
        assert texts([window.latest(last_closed_day(written))]) == latest


# --- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "start", "end", "due"),
    [
        pytest.param(DAY, "2024-01-08T00:00", "2024-01-09T00:00", ["2024-01-08"], id="cut at midnight"),
        pytest.param(DAY, "2024-01-08T00:00", "2024-01-08T23:59:59.999999", [], id="microsecond before midnight"),
        pytest.param(DAY, "2024-01-08T23:59:59.999999", "2024-01-09T00:00", ["2024-01-08"], id="last microsecond"),
        pytest.param(DAY, "2024-01-09T00:00", "2024-01-09T00:00:00.000001", [], id="microsecond after midnight"),
        pytest.param(DAY, "2024-01-08T09:00", "2024-01-09T09:00", ["2024-01-08"], id="09:00 cron"),
        pytest.param(DAY, "2024-01-07T00:00Z", "2024-01-08T00:00Z", ["2024-01-07"], id="UTC @daily"),
        pytest.param(DAY, "2024-02-28T09:00", "2024-03-01T09:00", ["2024-02-28", "2024-02-29"], id="leap day"),
        pytest.param(WEEK, "2024-01-07T09:00", "2024-01-08T09:00", ["2024-01-01/2024-01-07"], id="Monday's run"),
        pytest.param(WEEK, "2024-01-08T09:00", "2024-01-14T23:00", [], id="rest of the week"),
        pytest.param(WEEK, "2024-01-07T00:00Z", "2024-01-08T00:00Z", ["2024-01-01/2024-01-07"], id="UTC @daily week"),
        pytest.param(WEEK, "2025-01-05T09:00", "2025-01-06T09:00", ["2024-12-30/2025-01-05"], id="week over new year"),
        pytest.param(WEEK, "2021-01-03T09:00", "2021-01-04T09:00", ["2020-12-28/2021-01-03"], id="ISO week 53"),
        pytest.param(MONTH, "2024-02-29T09:00", "2024-03-01T09:00", ["2024-02-01/2024-02-29"], id="leap February"),
        pytest.param(MONTH, "2023-02-28T09:00", "2023-03-01T09:00", ["2023-02-01/2023-02-28"], id="February"),
        pytest.param(MONTH, "2024-01-31T16:00Z", "2024-02-29T15:59Z", [], id="not yet March in Shanghai"),
        pytest.param(
            MONTH,
            "2023-12-31T12:00",
            "2024-03-01T00:00",
            ["2023-12-01/2023-12-31", "2024-01-01/2024-01-31", "2024-02-01/2024-02-29"],
            id="one wide interval",
        ),
        pytest.param(LAST_7_DAYS, "2024-02-29T09:00", "2024-03-01T09:00", ["2024-02-23/2024-02-29"], id="last 7"),
        pytest.param(LAST_30_DAYS, "2024-02-29T09:00", "2024-03-01T09:00", ["2024-01-31/2024-02-29"], id="last 30"),
    ],
)
def test_due_periods(window: Window, start: str, end: str, due: list[str]) -> None:
    assert texts(due_periods(window, at(start), at(end))) == due


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (at("2024-01-08T00:00"), dt.datetime(2024, 1, 9), "no time zone"),  # noqa: DTZ001
        (dt.datetime(2024, 1, 8), at("2024-01-09T00:00"), "no time zone"),  # noqa: DTZ001
        (dt.datetime(2024, 1, 8), dt.datetime(2024, 1, 8), "no time zone"),  # noqa: DTZ001
        (None, dt.datetime(2024, 1, 9), "no time zone"),  # noqa: DTZ001
        (at("2024-01-09T00:00"), at("2024-01-08T23:59:59.999999"), "ends .* before it starts"),
        (at("2024-01-08T00:01"), at("2024-01-07T16:00Z"), "ends .* before it starts"),
        (at("2024-10-27T01:05Z").astimezone(LONDON), at("2024-10-27T00:55Z").astimezone(LONDON), "before it starts"),
    ],
)
def test_due_periods_refuses(start: dt.datetime | None, end: dt.datetime, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        due_periods(DAY, start, end)


@pytest.mark.parametrize(
    ("window", "from_date", "to_date", "periods"),
    [
        (DAY, "2024-02-28", "2024-03-01", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        (WEEK, "2024-12-23", "2025-01-05", ["2024-12-23/2024-12-29", "2024-12-30/2025-01-05"]),
        (
            MONTH,
            "2023-12-01",
            "2024-02-29",
            ["2023-12-01/2023-12-31", "2024-01-01/2024-01-31", "2024-02-01/2024-02-29"],
        ),
        (LAST_7_DAYS, "2024-01-01", "2024-01-08", ["2024-01-01/2024-01-07", "2024-01-02/2024-01-08"]),
        (LAST_30_DAYS, "2024-01-31", "2024-02-29", ["2024-01-31/2024-02-29"]),
    ],
)
def test_between(window: Window, from_date: str, to_date: str, periods: list[str]) -> None:
    assert texts(window.between(day(from_date), day(to_date))) == periods


@pytest.mark.parametrize(
    ("window", "from_date", "to_date", "message"),
    [
        (DAY, "2024-01-02", "2024-01-01", "2024-01-02 is after to_date 2024-01-01"),
        (WEEK, "2024-01-01", "2024-01-08", "'week'; the nearest that is: 2024-01-01 to 2024-01-14"),
        (WEEK, "2024-01-02", "2024-01-07", "2024-01-01 to 2024-01-07"),
        (WEEK, "2024-01-03", "2024-01-03", "2024-01-01 to 2024-01-07"),
        (MONTH, "2024-02-01", "2024-02-28", "2024-02-01 to 2024-02-29"),
        (MONTH, "2023-12-31", "2024-01-31", "2023-12-01 to 2024-01-31"),
        (LAST_7_DAYS, "2024-01-02", "2024-01-07", "2023-12-27 to 2024-01-07"),
        (LAST_30_DAYS, "2024-02-01", "2024-02-29", "2024-01-03 to 2024-02-29"),
    ],
)
def test_between_refuses(window: Window, from_date: str, to_date: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        window.between(day(from_date), day(to_date))


@pytest.mark.parametrize(
    ("window", "on", "latest", "containing"),
    [
        (DAY, "2024-02-29", "2024-02-29", "2024-02-29"),
        (WEEK, "2025-01-01", "2024-12-23/2024-12-29", "2024-12-30/2025-01-05"),
        (WEEK, "2025-01-05", "2024-12-30/2025-01-05", "2024-12-30/2025-01-05"),
        (WEEK, "2021-01-01", "2020-12-21/2020-12-27", "2020-12-28/2021-01-03"),
        (MONTH, "2024-02-28", "2024-01-01/2024-01-31", "2024-02-01/2024-02-29"),
        (MONTH, "2023-02-28", "2023-02-01/2023-02-28", "2023-02-01/2023-02-28"),
        (LAST_7_DAYS, "2024-01-03", "2023-12-28/2024-01-03", "2023-12-28/2024-01-03"),
        (LAST_30_DAYS, "2024-03-01", "2024-02-01/2024-03-01", "2024-02-01/2024-03-01"),
    ],
)
def test_latest_and_containing(window: Window, on: str, latest: str, containing: str) -> None:
    assert window.latest(day(on)) == period(latest)
    assert window.containing(day(on)) == period(containing)


@pytest.mark.parametrize(
    ("window", "given", "count", "earlier"),
    [
        (DAY, "2024-03-01", 0, "2024-03-01"),
        (DAY, "2024-03-01", 30, "2024-01-31"),
        (WEEK, "2025-01-06/2025-01-12", 1, "2024-12-30/2025-01-05"),
        (WEEK, "2025-01-06/2025-01-12", 4, "2024-12-09/2024-12-15"),
        (MONTH, "2024-03-01/2024-03-31", 1, "2024-02-01/2024-02-29"),
        (MONTH, "2024-01-01/2024-01-31", 11, "2023-02-01/2023-02-28"),
        (LAST_7_DAYS, "2024-01-02/2024-01-08", 2, "2023-12-31/2024-01-06"),
    ],
)
def test_earlier(window: Window, given: str, count: int, earlier: str) -> None:
    assert window.earlier(period(given), count) == period(earlier)
    assert window.later(period(earlier), count) == period(given)


@pytest.mark.parametrize("text", ["2024-02-29", "20240229", " 2024-02-29\n", "\u300020240229"])
def test_parse_date(text: str) -> None:
    assert parse_date(text) == dt.date(2024, 2, 29)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "yesterday", "2024-2-9", "2024/02/29", "2024-0229", "202402-29", "202402290", "2024-02-29T00:00"),
        *("2024-02-30", "20230229", "2024-13-01", "0000-01-01", "２０２４-０２-２９", "٢٠٢٤٠٢٢٩", "2024 02 29"),
        *(None, 20240229, dt.date(2024, 2, 29), b"20240229"),
    ],
)
def test_parse_date_refuses(text: object) -> None:
    with pytest.raises(ConfigurationError, match="A date must be (written YYYY-MM-DD|a day of the cal)"):
        parse_date(text)  # type: ignore[arg-type]


def test_period() -> None:
    week = period("2024-12-30/2025-01-05")
    assert (str(week), str(period("2024-02-29"))) == ("2024-12-30/2025-01-05", "2024-02-29")
    assert week.opens_at == at("2024-12-29T16:00Z")
    assert week.closes_at == at("2025-01-06T00:00") == period("2025-01-06").opens_at
    assert week.closes_at.utcoffset() == dt.timedelta(hours=8)
    assert last_closed_day(week.closes_at) == week.end_date
    assert last_closed_day(week.closes_at - MICROSECOND) == day("2025-01-04")
    assert len({week, period(str(week))}) == 1
    assert period("2024-01-01") < period("2024-01-01/2024-01-07") < period("2024-01-02")
    with pytest.raises(dataclasses.FrozenInstanceError):
        week.end_date = day("2025-01-06")  # type: ignore[misc]
    with pytest.raises(ConfigurationError, match=r"cannot end \(2024-01-01\) before it begins \(2024-01-02\)"):
        period("2024-01-02/2024-01-01")
