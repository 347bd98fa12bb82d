"""What healing loads after the runs of the table: what their schedule has left out since its start."""

from __future__ import annotations

import datetime as dt

import pendulum

from airflow_provider_wxanalysis.coverage.ranges import Range, ranges
from airflow_provider_wxanalysis.coverage.states import Found, classify, expected_periods
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import SHANGHAI, Period
from tests.intervals.table import Schedule

#: The endpoint of each kind of period.
KINDS = {"day": "daily_visit_trend", "week": "weekly_visit_trend", "month": "monthly_visit_trend"}


def heals(schedule: Schedule) -> list[Range]:
    """Return what healing plans on the evening of the day on which the schedule's last run was due."""
    since, last_due = dt.date.fromisoformat(schedule.start[:10]), schedule.runs[-1].due
    evening = pendulum.from_format(last_due[:10], "YYYY-MM-DD", tz=SHANGHAI).at(23)
    coverages = []
    for kind, name in KINDS.items():
        endpoint = ENDPOINTS[name]
        found = {period: Found(1, 1, evening) for period in loaded(schedule, kind)}
        periods = expected_periods(endpoint, since, evening)
        coverages.append(
            classify(endpoint, periods, {"app": found}, {}, now=evening, ready_after=dt.timedelta(hours=15))
        )
    return ranges(coverages, limit=1000)


def loaded(schedule: Schedule, kind: str) -> set[Period]:
    """Return what the schedule's runs have loaded of a kind of period."""
    texts = {text for run in schedule.runs for text in (getattr(run, kind) or "").split()}
    ends = ((text.split("/")[0], text.split("/")[-1]) for text in texts)
    return {Period(dt.date.fromisoformat(begin), dt.date.fromisoformat(end)) for begin, end in ends}
