"""Run the coverage task over the tables of some apps."""

from __future__ import annotations

import datetime as dt

from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.tasks import covering  # noqa: F401  what a task imports is not measured here
from tests.benchmarks.stopwatch import Figures, arguments, clock, peak, report
from tests.support.contexts import run_context

asked = arguments()
last_day = dt.date.fromisoformat(asked["last_day"])
task = WeAnalysisCoverageOperator(
    task_id="coverage",
    conn_ids="fleet",
    appids=asked["appids"],
    destination=f"{asked['dataset']}.{{endpoint}}",
    since=last_day - dt.timedelta(days=asked["days"] - 1),
    gcp_conn_id=None,
)
figures: Figures = {}
with clock(figures):
    figures["plan"] = len(task.execute(run_context(None, None)))
report({**figures, "peak": peak()})
