"""Fetch periods with this package's hook, rows included."""

from __future__ import annotations

import datetime as dt

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.wechat import client  # noqa: F401  what a task imports is not measured here
from tests.benchmarks.stopwatch import Figures, arguments, clock, report

asked = arguments()
jobs = [
    (ENDPOINTS[endpoint["endpoint"]], [Period(*map(dt.date.fromisoformat, dates)) for dates in endpoint["periods"]])
    for endpoint in asked["endpoints"]
]

hooks = {appid: WeAnalysisHook(appid) for appid in asked["tokens"]}
for hook in hooks.values():
    assert hook.appid  # reads the connection, for which Airflow imports much; every task of every operator does so

figures: Figures = {"rows": 0}
with clock(figures):
    for hook in hooks.values():
        for entry, periods in jobs:
            for _, rows in hook.fetch_many(entry, periods):
                figures["rows"] += len(rows)
report(figures)
