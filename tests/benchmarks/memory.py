"""How much memory a load holds, from a month to five years."""

from __future__ import annotations

import functools

from tests.benchmarks.measure import Program, Rounds, Spread, figure, in_turns
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import APPS, LAST_DAY, PAGES, serving_loads

DAYS = (30, 365, 1825)
CONCURRENCY = 4
ROUNDS = 3  # peaks hardly vary, and five years take their time
LIMIT = 60
FLOOR = Program("floor", "memory_floor")
TEXT = f"""\
The most memory (peak RSS) of a process that loads visit_page, {PAGES} rows a day, with the operator into
local-bigquery, which is a process of its own; concurrency {CONCURRENCY}, no latency, so that replies come as fast as
they ever can. The floor is a process that has imported airflow.sdk and Google's BigQuery client and does nothing.
Targets: at most {LIMIT} MB over the floor, and no more than 20 % apart."""


def run(rounds: int) -> Section:
    """Measure."""
    with serving_loads(CONCURRENCY) as (replies, env):
        load = Program("load", "transfer_package")
        asked = {"tokens": {APPS[0]: replies.tokens[APPS[0]]}, "last_day": LAST_DAY.isoformat()}
        loads = {_title(days): functools.partial(load.run, {**asked, "days": days}, env) for days in DAYS}
        found = in_turns({FLOOR.label: functools.partial(FLOOR.run, {}, env), **loads}, min(rounds, ROUNDS))
    over = {_title(days): _over(found, _title(days)) for days in DAYS}
    table = Table("Peak memory of one load", ["load", "rows", "MERGE statements", "peak MB", "MB over the floor"])
    table.rows.append(["floor", "", "", f"{figure(found, FLOOR.label, 'peak'):.1f}", "0"])
    for label, spread in over.items():
        first = found[label][0]
        counts = [f"{first['rows']:,}", str(first["merges"])]
        table.rows.append([label, *counts, f"{figure(found, label, 'peak'):.1f}", f"{spread:.1f}"])
    groups = {label: {"this package": bar(spread)} for label, spread in over.items()}
    picture = Bars("memory", "Peak memory over the floor", "MB", groups, mark=LIMIT)
    return Section("memory", "Memory", TEXT, [table], [picture])


def _title(days: int) -> str:
    return f"{days:,} days"


def _over(found: Rounds, label: str) -> Spread:
    pairs = zip(found[label], found[FLOOR.label], strict=True)
    return Spread(tuple(one["peak"] - floor["peak"] for one, floor in pairs))
