"""A year of pages into BigQuery: one task, against dlt's merge and against one task per day."""

from __future__ import annotations

import functools
from typing import Any

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.benchmarks.measure import Program, Rounds, Spread, figure, in_turns, ratio
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import APPS, LAST_DAY, PAGES, bigquery_jobs, serving_loads
from tests.benchmarks.stopwatch import Figures

DAYS = 365
FEW, MORE = 2, 12  # daily tasks in one DAG run: their difference is what ten of them take
LATENCY = 0.1
CONCURRENCY = 4
OURS = Program("this package", "load_package")
DLT = Program("dlt merge", "transfer_dlt", ".venv-bench-dlt")
DAILY = Program("one task per day", "run_dag")
#: A task for each of so many days.
SOURCE = f"""
import datetime as dt
import pendulum
from airflow.sdk import DAG
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

with DAG("daily", schedule=None, start_date=pendulum.datetime(2020, 1, 1)):
    for back in range(%d):
        day = str(dt.date.fromisoformat("{LAST_DAY}") - dt.timedelta(days=back))
        WeAnalysisToBigQueryOperator(
            task_id="load_" + day, endpoint="visit_page", weanalysis_conn_id="{APPS[0]}", gcp_conn_id=None,
            destination_project_dataset_table="DATASET.visit_page", from_date=day, to_date=day,
        )
"""
TEXT = f"""\
A year of visit_page of one app ({DAYS * PAGES:,} rows) through the unmodified Google client into local-bigquery, with
{LATENCY * 1000:.0f} ms latency at WeChat and concurrency {CONCURRENCY}. Fetching, making rows, and merging overlap, so
their times add up to more than the whole. One task per day is the difference between runs of {MORE} and {FEW} days by
`dag.test()`, multiplied: one after the other, without a scheduler's waits and new processes, but also without its
several at once. dlt merges by primary key, takes its own requests session with deferred calls, and looks for the end of
its jobs once a second, which is part of its time; it gets anonymous credentials by a patch, and writes no gzip, which
local-bigquery cannot read. Both make a dataset within their time, and are checked to have loaded all rows. Jobs are
what BigQuery lists afterwards: MERGEs, queries, loads. local-bigquery runs on the same two cores and is no measure of
BigQuery's own speed."""


def run(rounds: int) -> Section:
    """Measure."""
    with serving_loads(CONCURRENCY) as (replies, env):
        asked = {
            "url": replies.url,
            "tokens": {APPS[0]: replies.tokens[APPS[0]]},
            "endpoint": "visit_page",
            "path": ENDPOINTS["visit_page"].path,
            "apps": {"weanalysis_conn_id": APPS[0]},
            "days": DAYS,
            "last_day": LAST_DAY.isoformat(),
            "concurrency": CONCURRENCY,
        }
        OURS.run(asked, env)  # so that the server has all replies ready
        replies.latency = LATENCY
        programs = {OURS.label: (OURS, DAYS), DLT.label: (DLT, DAYS), "few": (DAILY, FEW), "more": (DAILY, MORE)}
        runs = {
            label: functools.partial(_run, program, {**asked, "days": days, "source": SOURCE % days}, env)
            for label, (program, days) in programs.items()
        }
        found = in_turns(runs, rounds)
    whole, dlt = figure(found, OURS.label, "wall"), figure(found, DLT.label, "wall")
    tasks, jobs = _per_task(found, "wall"), _per_task(found, "jobs")
    pairs = zip(tasks.values, whole.values, strict=True)
    main = Table(
        f"{DAYS} days, {DAYS * PAGES:,} rows",
        ["program", "seconds", "times this package", "CPU seconds", "BigQuery jobs"],
        [
            [OURS.label, f"{whole:.1f}", "1", f"{figure(found, OURS.label, 'cpu'):.1f}", _jobs(found, OURS.label)],
            [
                DLT.label,
                f"{dlt:.1f}",
                f"{ratio(found, DLT.label, OURS.label, 'wall')}",
                f"{figure(found, DLT.label, 'cpu'):.1f}",
                _jobs(found, DLT.label),
            ],
            [DAILY.label, f"{tasks:.0f}", f"{Spread(tuple(a / b for a, b in pairs)):.1f}", "", f"{jobs:.0f}"],
        ],
    )
    phases = Table(
        "This package's time",
        ["phase", "seconds", "share of the whole"],
        [
            [title, f"{figure(found, OURS.label, name):.1f}", f"{_share(found[OURS.label], name)}"]
            for title, name in {
                "fetching and parsing, until the last period is handed over": "fetch",
                "making and encoding rows, meanwhile": "transform",
                "merging and verifying, mostly meanwhile": "load",
            }.items()
        ],
    )
    groups = {"visit_page, a year": {OURS.label: bar(whole), DLT.label: bar(dlt), DAILY.label: bar(tasks)}}
    picture = Bars("transfer", "A year of visit_page into BigQuery", "seconds", groups)
    facts = {"seconds of a daily task": tasks.median / DAYS}
    return Section("transfer", "Whole transfer", TEXT, [main, phases], [picture], facts)


def _run(program: Program, asked: dict[str, Any], env: dict[str, str]) -> Figures:
    """Run it, look whether all rows are there, and count BigQuery's jobs."""
    before = bigquery_jobs(env)
    figures = program.run(asked, env)
    if figures["rows"] != asked["days"] * PAGES:
        raise RuntimeError(f"{program.label} loaded {figures['rows']} rows")
    return {**figures, "jobs": bigquery_jobs(env) - before}


def _per_task(found: Rounds, name: str) -> Spread:
    """Return what a year of daily tasks takes."""
    pairs = zip(found["more"], found["few"], strict=True)
    return Spread(tuple((more[name] - few[name]) * DAYS / (MORE - FEW) for more, few in pairs))


def _jobs(found: Rounds, label: str) -> str:
    return f"{figure(found, label, 'jobs'):.0f}"


def _share(figures: list[dict[str, float]], name: str) -> Spread:
    return Spread(tuple(one[name] / one["wall"] for one in figures))
