"""Fetching months and years, against the limit, a plain pool of requests, dlt and Airbyte's CDK."""

from __future__ import annotations

import functools
from typing import Any

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.benchmarks.measure import Program, Rounds, figure, in_turns, ratio
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import APPS, Replies, calls, serving
from tests.benchmarks.stopwatch import Figures

LATENCY = 0.1
YEAR = 365
#: Days of the measurement with many endpoints and apps.
SEASON = 90
#: Every entry of which WeChat keeps a past.
MANY = [name for name, entry in ENDPOINTS.items() if entry.reach_days is None]

OURS = Program("this package", "fetch_hook")
BARE = Program("requests pool", "fetch_bare")
REST = Program("dlt rest_api", "fetch_dlt_rest", ".venv-bench-dlt")
DEFERRED = Program("dlt deferred", "fetch_dlt_deferred", ".venv-bench-dlt")
AIRBYTE = Program("Airbyte CDK", "fetch_airbyte", ".venv-bench-airbyte")
ALL = [OURS, BARE, REST, DEFERRED, AIRBYTE]
#: Endpoint -> concurrency -> who is measured; 0 stands for one at a time without latency.
PLAN = {
    "visit_page": {0: ALL, 4: [OURS, BARE, DEFERRED], 16: ALL, 64: ALL[:-1]},
    "daily_visit_trend": {0: ALL, 16: ALL},
}
TARGETS = {4: 0.97, 16: 0.96, 64: 0.90}
TEXT = f"""\
A server keeps finished replies in memory, answers {LATENCY * 1000:.0f} ms after each request, and has TCP_NODELAY set.
Every program gets the access token beforehand, asks for one period per request, and counts the rows; imports, the
garbage collection of what they left, and the reading of the Airflow connection are outside the measurement. The limit
is requests x latency / concurrency, with the latency that the server really kept. This package's time includes checked
and typed rows, the others' does not: they hand over what came. CPU time is that of {YEAR} calls, one at a time, without
latency; Airbyte's CDK cannot go below two at once, so its CPU time is that of two. dlt has as many workers and
connections as there are requests in flight. With many endpoints and apps everybody asks for all of them together; of
the peers the fastest is measured there.
Targets: shares of the limit of at least {", ".join(f"{share} at {width}" for width, share in TARGETS.items())} in
flight; for {YEAR} calls of visit_page at most 0.95 times the CPU time of the requests pool; with many endpoints faster
than dlt. Requests go in whole rounds: with 64 in flight the year takes 6 of them, of which the limit's division makes
5.7, so that 0.95 is the most there. The connections and threads of the first round take 40 to 50 ms, and where CPU
seconds come near the seconds one interpreter is busy all the time. With its row work left out, by hand, this package
came to 0.96 at 16 and to 0.84 at 64 in flight."""


def run(rounds: int) -> Section:
    """Measure."""
    with serving(Replies()) as replies:
        found = {name: _measure(replies, name, rounds) for name in PLAN}
        many = _measure_many(replies, rounds)
    tables = [table for name, by_width in found.items() for table in _tables(name, by_width)]
    picture = _picture("backfill", "A backfill of visit_page: share of the limit", found["visit_page"])
    return Section("backfill", "Backfill", TEXT, [*tables, many], [picture])


def _measure(replies: Replies, name: str, rounds: int) -> dict[int, Rounds]:
    """Return rounds by concurrency."""
    year = [calls(ENDPOINTS[name], YEAR)]
    _ask(replies, [OURS], year, APPS[:1], 16, 0.0, 1)  # so that the server has all replies ready
    return {
        width: _ask(replies, programs, year, APPS[:1], width or 1, LATENCY if width else 0.0, rounds)
        for width, programs in PLAN[name].items()
    }


def _measure_many(replies: Replies, rounds: int) -> Table:
    endpoints = [calls(ENDPOINTS[name], SEASON) for name in MANY]
    _ask(replies, [OURS], endpoints, APPS, 16, 0.0, 1)
    found = _ask(replies, [OURS, BARE, DEFERRED], endpoints, APPS, 16, LATENCY, rounds)
    return _table(f"{len(MANY)} endpoints x {len(APPS)} apps x {SEASON} days, concurrency 16", found)


def _ask(
    replies: Replies,
    programs: list[Program],
    endpoints: list[dict[str, Any]],
    apps: tuple[str, ...],
    width: int,
    latency: float,
    rounds: int,
) -> Rounds:
    def measure(program: Program) -> Figures:
        replies.calls.clear()
        figures = program.run(asked, env)
        figures["share"] = replies.held / width / figures["wall"]
        if len(replies.calls) != requests:
            raise RuntimeError(f"{len(replies.calls)} requests were made, not {requests}")
        return figures

    replies.latency = latency
    requests = len(apps) * sum(len(endpoint["bodies"]) for endpoint in endpoints)
    asked: dict[str, Any] = {
        "url": replies.url,
        "tokens": {appid: replies.tokens[appid] for appid in apps},
        "endpoints": endpoints,
        "concurrency": width,
    }
    env = {f"AIRFLOW_CONN_{appid.upper()}": replies.connection(appid, max_concurrency=width) for appid in apps}
    found = in_turns({program.label: functools.partial(measure, program) for program in programs}, rounds)
    counts = {label: {figures["rows"] for figures in list_} for label, list_ in found.items()}
    if len(endpoints) == 1 and len(set().union(*counts.values())) != 1:
        raise RuntimeError(f"not everybody found the same rows: {counts}")
    return found


def _tables(name: str, found: dict[int, Rounds]) -> list[Table]:
    tables = [_table(f"{name}, {YEAR} days, concurrency {width}", found[width]) for width in found if width]
    cpu = Table(f"{name}, CPU time of {YEAR} calls, no latency", ["program", "seconds", "times requests pool"])
    cpu.rows = [
        [label, f"{figure(found[0], label, 'cpu')}", f"{ratio(found[0], label, BARE.label, 'cpu')}"]
        for label in found[0]
    ]
    return [*tables, cpu]


def _table(title: str, rounds: Rounds) -> Table:
    table = Table(title, ["program", "share of the limit", "speed / requests pool", "seconds", "CPU seconds"])
    for label in rounds:
        speed = ratio(rounds, BARE.label, label, "wall")
        values = [figure(rounds, label, name) for name in ("share", "wall", "cpu")]
        table.rows.append([label, f"{values[0]}", f"{speed}", f"{values[1]}", f"{values[2]}"])
    return table


def _picture(name: str, title: str, found: dict[int, Rounds]) -> Bars:
    groups = {
        f"concurrency {width}": {label: bar(figure(found[width], label, "share")) for label in found[width]}
        for width in found
        if width
    }
    return Bars(name, title, "share of the limit", groups, mark=1.0)
