"""Many apps in one task: 1 to 500 of them, a hundred against a task for each, and 10,000 in batches."""

from __future__ import annotations

import functools
from typing import Any

from tests.benchmarks.measure import Program, Rounds, Spread, figure, in_turns, ratio
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import LAST_DAY, Replies, bigquery_jobs, serving_loads
from tests.benchmarks.stopwatch import Figures

ENDPOINT = "daily_summary"
LATENCY = 0.1
IN_FLIGHT = 64  # the operator's own
#: How many apps, and requests in flight: with 50 the 200 calls of a hundred apps are four whole rounds.
SIZES = {
    "1": (1, IN_FLIGHT),
    "10": (10, IN_FLIGHT),
    "100": (100, IN_FLIGHT),
    "100, 50 in flight": (100, 50),
    "500": (500, IN_FLIGHT),
}
COMPARED = 100
#: A hundred tasks one after the other take a minute or more.
COMPARED_ROUNDS = 2
FLEET, BATCH = 10_000, 500
MEGABYTES = 150
LOAD = Program("one task", "load_package")
DAG = Program("dag.test()", "run_dag")
FLOOR = Program("floor", "memory_floor")
BATCHED, MAPPED = "one task for all", "a mapped task for each app"
SOURCE = """
import pendulum
from airflow.sdk import DAG
from airflow_provider_wxanalysis.task_groups import weanalysis_to_bigquery

with DAG("apps", schedule=None, start_date=pendulum.datetime(2020, 1, 1)):
    weanalysis_to_bigquery(
        "fleet", [{endpoint!r}], "DATASET.{{endpoint}}", appids={appids!r}, apps_per_task={batch},
        gcp_conn_id=None, from_date={day!r}, to_date={day!r},
    )
"""
TEXT = f"""\
One day of {ENDPOINT}, of many apps behind one connection with `auth=central`: each app takes a call for its token and
one for its figures. WeChat's latency is {LATENCY * 1000:.0f} ms, {IN_FLIGHT} requests are in flight at most (the
operator's default) and 4 of an app, the table is there already, and imports are outside the measurement. The limit is
requests x latency / requests in flight, with the latency that the server really kept, plus the time that BigQuery took
for its MERGE and the query that verifies it; local-bigquery runs on the same two cores. Target: at most 1.15 times
that for {COMPARED} apps. Two things stand above it: requests go in whole rounds, of which the limit's division makes
3.1 where 200 calls take 4 with {IN_FLIGHT} in flight, and exactly 4 with 50; and an app takes CPU (see CPU seconds) of
one interpreter, by a profile for opening connections, two exchanges, and reading the connection.
The comparison runs {COMPARED} apps by `dag.test()`, one task after the other, without a scheduler's waits and new
processes, but also without its several at once; what Airflow imports and starts once is done before, and
{COMPARED_ROUNDS} rounds are made at most. Targets: at least 20 times as fast, at least 50 times fewer jobs.
The fleet is {FLEET:,} AppIDs in {FLEET // BATCH} tasks of {BATCH}, each a process of its own, one after the other, once
and without latency; over the floor of a process that has imported airflow.sdk and Google's client and does nothing.
Target: at most {MEGABYTES} MB."""


def run(rounds: int) -> Section:
    """Measure."""
    with serving_loads(4) as (replies, env):
        loads = _loads(replies, env, rounds)
        compared = _compared(replies, env, min(rounds, COMPARED_ROUNDS))
        fleet, floor = _fleet(replies, env)
    over = Spread(tuple(figures["peak"] - floor for figures in fleet))
    groups = {
        f"{label} apps": {
            title: bar(figure(loads, label, name)) for title, name in {"one task": "wall", "limit": "limit"}.items()
        }
        for label, (_, in_flight) in SIZES.items()
        if in_flight == IN_FLIGHT
    }
    picture = Bars("apps", f"One day of {ENDPOINT} in one task", "seconds", groups)
    facts = {
        "seconds of a task of 100": figure(loads, "100", "wall").median,
        "seconds of a task of 500": figure(loads, "500", "wall").median,
        "times as fast": ratio(compared, MAPPED, BATCHED, "wall").median,
        "peak of a task of 500": max(figures["peak"] for figures in fleet),
        "over the floor": max(over.values),
    }
    tables = [_one_task(loads), _comparison(compared), _many_tasks(fleet, over)]
    return Section("apps", "Many apps in a task", TEXT, tables, [picture], facts)


def _loads(replies: Replies, env: dict[str, str], rounds: int) -> Rounds:
    def measure(size: int, in_flight: int) -> Figures:
        figures = _load(replies, env, _appids(0, size), in_flight)
        figures["limit"] = replies.held / min(in_flight, size) + figures["load"]
        figures["share"] = figures["wall"] / figures["limit"]
        return figures

    replies.latency = 0.0
    _load(replies, env, _appids(0, BATCH))  # so that the server has all replies ready
    replies.latency = LATENCY
    return in_turns({label: functools.partial(measure, *sizes) for label, sizes in SIZES.items()}, rounds)


def _load(replies: Replies, env: dict[str, str], appids: list[str], in_flight: int = IN_FLIGHT) -> Figures:
    """Load one day of apps in one task."""
    replies.calls.clear()
    before = bigquery_jobs(env)
    asked = {
        "endpoint": ENDPOINT,
        "apps": {"weanalysis_conn_id": "fleet", "appids": appids, "max_requests_in_flight": in_flight},
        "dataset": "bench.apps",
        "days": 1,
        "last_day": LAST_DAY.isoformat(),
    }
    figures = LOAD.run(asked, env)
    if figures["rows"] != len(appids):
        raise RuntimeError(f"{figures['rows']} rows of {len(appids)} apps were loaded")
    return {**figures, "calls": len(replies.calls), "jobs": bigquery_jobs(env) - before}


def _compared(replies: Replies, env: dict[str, str], rounds: int) -> Rounds:
    def measure(batch: int) -> Figures:
        before = bigquery_jobs(env)
        day = LAST_DAY.isoformat()
        source = SOURCE.format(endpoint=ENDPOINT, appids=_appids(0, COMPARED), batch=batch, day=day)
        figures = DAG.run({"source": source, "endpoint": ENDPOINT}, env)
        if figures["rows"] != COMPARED:
            raise RuntimeError(f"{figures['rows']} rows of {COMPARED} apps were loaded")
        # The last job is the program's own look.
        return {**figures, "jobs": bigquery_jobs(env) - before - 1}

    replies.latency = LATENCY
    return in_turns({BATCHED: lambda: measure(COMPARED), MAPPED: lambda: measure(1)}, rounds)


def _fleet(replies: Replies, env: dict[str, str]) -> tuple[list[Figures], float]:
    replies.latency = 0.0
    floor = FLOOR.run({"modules": []}, env)["peak"]
    return [_load(replies, env, _appids(start, BATCH)) for start in range(0, FLEET, BATCH)], floor


def _appids(start: int, count: int) -> list[str]:
    return [f"wx{number:016x}" for number in range(start, start + count)]


def _one_task(found: Rounds) -> Table:
    head = ["apps", "seconds", "limit", "times the limit", "of that BigQuery", "CPU seconds", "calls", "BigQuery jobs"]
    table = Table(f"One day of {ENDPOINT} in one task", head)
    for label in found:
        values = [figure(found, label, name) for name in ("wall", "limit", "share", "load", "cpu")]
        counts = [f"{figure(found, label, name):.0f}" for name in ("calls", "jobs")]
        table.rows.append([label, *(f"{value}" for value in values), *counts])
    return table


def _comparison(found: Rounds) -> Table:
    table = Table(
        f"{COMPARED} apps, one day of {ENDPOINT}, by dag.test()",
        ["layout", "seconds", "times one task", "BigQuery jobs", "times one task"],
    )
    for label in found:
        cells = [label]
        for name, spec in (("wall", ".1f"), ("jobs", ".0f")):
            cells += [format(figure(found, label, name), spec), format(ratio(found, label, BATCHED, name), ".1f")]
        table.rows.append(cells)
    return table


def _many_tasks(fleet: list[Figures], over: Spread) -> Table:
    total: Any = {name: sum(figures[name] for figures in fleet) for name in ("calls", "jobs", "cpu")}
    return Table(
        f"{FLEET:,} apps, one day of {ENDPOINT}, {len(fleet)} tasks of {BATCH}",
        ["calls", "BigQuery jobs", "CPU seconds, all tasks", "peak MB of a task", "MB over the floor"],
        [
            [
                f"{total['calls']:,}",
                f"{total['jobs']}",
                f"{total['cpu']:.1f}",
                f"{Spread(tuple(figures['peak'] for figures in fleet)):.1f}",
                f"{over:.1f}",
            ]
        ],
    )
