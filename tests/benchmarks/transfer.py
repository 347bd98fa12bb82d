"""A year of pages into BigQuery: one task, against dlt's merge and against one task per day."""

from __future__ import annotations

import functools
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.benchmarks.measure import Program, Rounds, Spread, figure, in_turns, ratio
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import APPS, LAST_DAY, PAGES, serving_loads
from tests.benchmarks.stopwatch import Figures

DAYS = 365
FEW, MORE = 2, 12  # daily tasks in one DAG run: their difference is what ten of them take
LATENCY = 0.1
CONCURRENCY = 4
OURS = Program("this package", "transfer_package")
DLT = Program("dlt merge", "transfer_dlt", ".venv-bench-dlt")
DAILY = Program("one task per day", "transfer_daily_tasks")
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
            "path": ENDPOINTS["visit_page"].path,
            "days": DAYS,
            "last_day": LAST_DAY.isoformat(),
            "concurrency": CONCURRENCY,
        }
        OURS.run(asked, env)  # so that the server has all replies ready
        replies.latency = LATENCY
        programs = {OURS.label: (OURS, DAYS), DLT.label: (DLT, DAYS), "few": (DAILY, FEW), "more": (DAILY, MORE)}
        runs = {
            label: functools.partial(_run, program, {**asked, "days": days}, env)
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
    options = {"api_endpoint": env["BIGQUERY_EMULATOR_HOST"]}
    client = bigquery.Client("bench", credentials=AnonymousCredentials(), client_options=options)
    before = sum(1 for _ in client.list_jobs())
    figures = program.run(asked, env)
    if figures["rows"] != asked["days"] * PAGES:
        raise RuntimeError(f"{program.label} loaded {figures['rows']} rows")
    return {**figures, "jobs": sum(1 for _ in client.list_jobs()) - before}


def _per_task(found: Rounds, name: str) -> Spread:
    """Return what a year of daily tasks takes."""
    pairs = zip(found["more"], found["few"], strict=True)
    return Spread(tuple((more[name] - few[name]) * DAYS / (MORE - FEW) for more, few in pairs))


def _jobs(found: Rounds, label: str) -> str:
    return f"{figure(found, label, 'jobs'):.0f}"


def _share(figures: list[dict[str, float]], name: str) -> Spread:
    return Spread(tuple(one[name] / one["wall"] for one in figures))
