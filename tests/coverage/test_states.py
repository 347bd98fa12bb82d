"""States and ranges against an oracle that walks the calendar day by day."""

from __future__ import annotations

import calendar
import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_wxanalysis.coverage.ranges import ranges
from airflow_provider_wxanalysis.coverage.states import HEALED, Found, State, classify, expected_periods
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import DAY, MONTH, WEEK, Period

HOURS = dt.timedelta(hours=1)
READY = 15 * HOURS
BEIJING = dt.timezone(8 * HOURS)
ONE_OF_EACH_WINDOW = ("daily_summary", "weekly_visit_trend", "monthly_retain", "user_portrait_7d", "user_portrait_30d")
names = st.sampled_from(sorted(ENDPOINTS))
dates = st.dates(dt.date(2023, 12, 1), dt.date(2024, 4, 1))


def at(day, hour=0, minute=0):
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=BEIJING)


def midnight_after(period, count=0):
    """When the ``count``-th period after ``period`` is over, by counting on the calendar."""
    day = period.end_date
    length = (period.end_date - period.begin_date).days + 1
    for _ in range(count):
        if length in (1, 7):
            day += dt.timedelta(days=length)
        else:
            first = day + dt.timedelta(days=1)
            day = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return at(day + dt.timedelta(days=1))


@pytest.mark.parametrize("name", ONE_OF_EACH_WINDOW)
@given(since=dates, days=st.integers(-2, 120), hour=st.integers(0, 23))
def test_expected_periods_tile_the_days(name, since, days, hour):
    endpoint = ENDPOINTS[name]
    today = since + dt.timedelta(days=days)
    yesterday = today - dt.timedelta(days=1)
    periods = expected_periods(endpoint, since, at(today, hour))
    if endpoint.window in (DAY, WEEK, MONTH):
        held = [p.begin_date + dt.timedelta(n) for p in periods for n in range((p.end_date - p.begin_date).days + 1)]
        assert held == [held[0] + dt.timedelta(n) for n in range(len(held))] if held else True
        # Only a part of a week or month is left over at either end.
        longest = {DAY: 0, WEEK: 6, MONTH: 30}[endpoint.window]
        if held:
            assert 0 <= (held[0] - since).days <= longest
            assert 0 <= (yesterday - held[-1]).days <= longest
        else:
            assert (yesterday - since).days + 1 <= 2 * longest
    else:
        assert [p.end_date for p in periods] == [since + dt.timedelta(n) for n in range(max(days, 0))]
    assert all(endpoint.window.ending(p.end_date) == p for p in periods)


def oracle(endpoint, period, found, recorded, now):
    """The table of states, read literally from top to bottom."""
    lacking = []
    if found:
        lacking = [n for n in endpoint.refresh_offsets if n not in found.offsets and midnight_after(period, n) <= now]
        lacking = [n for n in lacking if not found.loaded_at or found.loaded_at < midnight_after(period, n) + READY]
    young = [n for n in lacking if now < midnight_after(period, n) + READY]
    if found and found.loads > 1:
        return "doubled"
    if (not found and now < midnight_after(period) + READY) or (lacking and lacking == young):
        return "pending"
    if lacking:
        return "stale"
    if found:
        if any(midnight_after(period, n) > now for n in endpoint.refresh_offsets):
            return "maturing"
        return "truncated" if endpoint.row_limit and found.rows >= endpoint.row_limit else "loaded"
    if recorded:
        return "empty"
    if endpoint.reach_days is not None and midnight_after(period, 0) < at(now.astimezone(BEIJING).date()) - 24 * HOURS:
        return "lost"
    return "missing"


@settings(max_examples=300)
@given(data=st.data(), name=names, since=dates, days=st.integers(0, 70), minutes=st.integers(0, 24 * 60 - 1))
def test_states_and_ranges_are_those_of_the_oracle(data, name, since, days, minutes):
    endpoint = ENDPOINTS[name]
    now = at(since + dt.timedelta(days=days)) + dt.timedelta(minutes=minutes)
    periods = expected_periods(endpoint, since, now)
    apps = ("a", "b", "c")
    found, recorded = {}, {}
    for app in apps:
        held = data.draw(st.lists(st.sampled_from(periods), unique=True)) if periods else []
        found[app] = {
            period: Found(
                data.draw(st.sampled_from((1, 199, 200, 201))),
                data.draw(st.sampled_from((1, 1, 1, 2))),
                data.draw(st.none() | st.integers(0, 24 * 70).map(lambda hours: now - hours * HOURS)),
                frozenset(data.draw(st.sets(st.sampled_from((0, *endpoint.refresh_offsets))))),
            )
            for period in held
        }
        recorded[app] = set(data.draw(st.lists(st.sampled_from(periods)))) if periods else set()
    coverage = classify(endpoint, periods, found, recorded, now=now, ready_after=READY)
    assert list(coverage.states) == list(apps)
    for app in apps:
        assert coverage.states[app] == tuple(
            oracle(endpoint, period, found[app].get(period), period in recorded[app], now) for period in periods
        )
    check_ranges(coverage, limit=data.draw(st.integers(0, 20)))


def check_ranges(coverage, limit):
    every = ranges([coverage], limit=10_000)
    healed = {(app, p) for app, s in coverage.states.items() for p, state in zip(coverage.periods, s, strict=True)
              if state in HEALED}  # fmt: skip
    loaded = [
        (app, period)
        for item in every
        for app in item.appids
        for period in coverage.endpoint.window.between(item.from_date, item.to_date)
    ]
    assert len(loaded) == len(set(loaded))
    assert set(loaded) == healed
    for app in coverage.states:  # adjoining periods are together: the period after each range is not to be healed
        for item in every:
            if app in item.appids:
                after = next((p for p in coverage.periods if p.end_date > item.to_date), None)
                assert (app, after) not in healed
    assert len({(item.from_date, item.to_date) for item in every}) == len(every), "apps with the same gap are together"
    assert [item.to_date for item in every] == sorted((item.to_date for item in every), reverse=True)
    assert ranges([coverage], limit) == every[:limit]


def test_growth_ends_though_wechat_leaves_zeros_out():
    """Loaded after 15:00 of the day on which an offset is published, the slice counts as refreshed without it."""
    daily, day = ENDPOINTS["daily_retain"], Period(dt.date(2026, 3, 1), dt.date(2026, 3, 1))
    now = at(dt.date(2026, 3, 4), 20)

    def grown(loaded_at, **options):
        return daily.grown_since(day, loaded_at, now, READY, **options)

    assert grown(at(dt.date(2026, 3, 2), 10)) == (1, 2)
    assert grown(at(dt.date(2026, 3, 2), 10), present={1}) == (2,)
    assert grown(at(dt.date(2026, 3, 3), 14, 59)) == (1, 2)
    assert grown(at(dt.date(2026, 3, 3), 15)) == (2,)
    assert grown(at(dt.date(2026, 3, 4), 15)) == ()
    assert ENDPOINTS["visit_page"].grown_since(day, now - 999 * HOURS, now, READY) == ()


def test_lost_means_that_wechat_does_not_answer_any_more():
    portrait = ENDPOINTS["user_portrait_7d"]
    now = at(dt.date(2026, 3, 5), 20)
    periods = expected_periods(portrait, dt.date(2026, 3, 1), now)
    coverage = classify(portrait, periods, {"a": {}}, {}, now=now, ready_after=READY)
    assert coverage.states["a"] == (State.LOST, State.LOST, State.MISSING, State.MISSING)
    (item,) = ranges([coverage], 10)
    assert portrait.window.between(item.from_date, item.to_date) == list(periods[2:])
