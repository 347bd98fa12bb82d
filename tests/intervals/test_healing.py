"""Healing brings back what a schedule leaves out, and nothing else."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.intervals.healing import heals, loaded
from tests.intervals.table import SCHEDULES

#: By hand; other schedules leave out no day.
LEFT_OUT = {
    "trigger_weekly": ("2026-02-23", "2026-02-28"),
    "trigger_multiple": ("2026-02-23", "2026-02-27"),
}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.dag_id)
def test_the_days_that_a_schedule_leaves_out(schedule):
    assert [(str(gap.from_date), str(gap.to_date)) for gap in heals(schedule)] == (
        [LEFT_OUT[schedule.dag_id]] if schedule.dag_id in LEFT_OUT else []
    )


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.dag_id)
def test_afterwards_no_day_is_missing_and_none_was_loaded_twice(schedule):
    first, last = dt.date.fromisoformat(schedule.start[:10]), dt.date.fromisoformat(schedule.runs[-1].due[:10])
    every = {first + dt.timedelta(days=n) for n in range((last - first).days)}
    by_runs = {period.begin_date for period in loaded(schedule, "day")}
    healed = {
        gap.from_date + dt.timedelta(days=n)
        for gap in heals(schedule)
        for n in range((gap.to_date - gap.from_date).days + 1)
    }
    assert not healed & by_runs
    assert every <= healed | by_runs
