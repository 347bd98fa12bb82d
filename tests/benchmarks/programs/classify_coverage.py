"""Classify all periods of a believable destination, plan what to load again, and make the snapshot."""

from __future__ import annotations

import datetime as dt

from airflow_provider_wxanalysis.coverage.ranges import ranges
from airflow_provider_wxanalysis.coverage.snapshot import snapshot
from airflow_provider_wxanalysis.coverage.states import classify
from tests.benchmarks.stopwatch import Figures, arguments, clock, peak, report
from tests.coverage.history import LAST, history

READY_AFTER = dt.timedelta(hours=15)

asked = arguments()
past = history([f"app {number}" for number in range(asked["apps"])], asked["days"])
now = dt.datetime.combine(LAST + dt.timedelta(days=1), dt.time(4), dt.UTC)
figures: Figures = {}
with clock(figures):
    coverages = [
        classify(old.endpoint, old.periods, past.slices[old.endpoint.name], {}, now=now, ready_after=READY_AFTER)
        for old in past.coverages
    ]
past = past._replace(coverages=[])
figures["classify"] = figures["cpu"]
with clock(figures):
    plan = ranges(coverages, 100)
    extras = snapshot("project.dataset", now, past.apps, coverages, past.slices, past.figures)
figures["report"] = figures["cpu"]
figures["periods"] = sum(len(states) for coverage in coverages for states in coverage.states.values())
figures["plan"], figures["bytes"] = len(plan), sum(len(extra["packed"]) for extra in extras)
report({**figures, "peak": peak()})
