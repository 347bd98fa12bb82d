"""Fetch periods with this package, rows included: of one endpoint by the hook, of several and of many apps together."""

from __future__ import annotations

import datetime as dt

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.wechat import client  # noqa: F401  what a task imports is not measured here
from airflow_provider_wxanalysis.wechat.pool import ask_all
from airflow_provider_wxanalysis.wechat.waits import Stop
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
    if len(hooks) == len(jobs) == 1:
        for _, rows in hook.fetch_many(*jobs[0]):
            figures["rows"] += len(rows)
    else:
        lanes = [hook.lane(*job)._replace(keep=True) for hook in hooks.values() for job in jobs]
        for answer in ask_all(lanes, in_flight=asked["concurrency"], stop=Stop()):
            if answer.rows is None:
                raise answer.error or AssertionError("an answer without rows or error")
            figures["rows"] += len(answer.rows)
report(figures)
