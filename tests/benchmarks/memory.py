"""How much memory a load holds, from a month to five years."""

from __future__ import annotations

import functools

from tests.benchmarks.measure import Program, Rounds, Spread, figure, in_turns
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import APPS, LAST_DAY, PAGES, serving_loads

YEAR = 365
DAYS = (30, YEAR, 5 * YEAR)
CONCURRENCY = 4
LIMIT = 60
FLOOR = Program("floor", "memory_floor")
WITH_GOOGLE = Program("floor, with the Google provider's hook", "memory_floor", ".venv-bench-airflow")
HOOK = "airflow.providers.google.cloud.hooks.bigquery"
TEXT = f"""\
The most memory (peak RSS) of a process that loads visit_page, {PAGES} rows a day, with the operator into
local-bigquery, which is a process of its own; concurrency {CONCURRENCY}, no latency, so that replies come as fast as
they ever can. The floor is a process that has imported airflow.sdk and Google's BigQuery client and does nothing; loads
stand over it, with `gcp_conn_id=None`. Where the Google provider is installed and its hook is used the floor is higher.
Targets: at most {LIMIT} MB over the floor, and for five years at most 1.1 times as many as for one."""


def run(rounds: int) -> Section:
    """Measure."""
    with serving_loads(CONCURRENCY) as (_, env):
        load = Program("load", "load_package")
        asked = {
            "endpoint": "visit_page",
            "apps": {"weanalysis_conn_id": APPS[0]},
            "last_day": LAST_DAY.isoformat(),
        }
        load.run({**asked, "days": max(DAYS)}, env)  # so that the server has all replies ready
        floors = {
            FLOOR.label: functools.partial(FLOOR.run, {"modules": []}, env),
            WITH_GOOGLE.label: functools.partial(WITH_GOOGLE.run, {"modules": [HOOK]}, env),
        }
        loads = {_title(days): functools.partial(load.run, {**asked, "days": days}, env) for days in DAYS}
        found = in_turns({**floors, **loads}, rounds)
    over = {_title(days): _over(found, _title(days)) for days in DAYS}
    head = ["load", "rows", "MERGE statements", "peak MB", "MB over the floor", f"times {_title(YEAR)}"]
    table = Table("Peak memory of one load", head)
    table.rows.append([FLOOR.label, "", "", f"{figure(found, FLOOR.label, 'peak'):.1f}", "0", ""])
    more = _over(found, WITH_GOOGLE.label)
    google = figure(found, WITH_GOOGLE.label, "peak")
    table.rows.append([WITH_GOOGLE.label, "", "", f"{google:.1f}", f"{more:.1f}", ""])
    for label, spread in over.items():
        first = found[label][0]
        counts = [f"{first['rows']:,}", str(first["merges"])]
        pairs = zip(spread.values, over[_title(YEAR)].values, strict=True)
        times = Spread(tuple(one / year for one, year in pairs))
        table.rows.append([label, *counts, f"{figure(found, label, 'peak'):.1f}", f"{spread:.1f}", f"{times}"])
    groups = {label: {"this package": bar(spread)} for label, spread in over.items()}
    picture = Bars("memory", "Peak memory over the floor", "MB", groups, mark=LIMIT)
    peaks = [figure(found, _title(days), "peak").median for days in DAYS]
    facts = {
        "smallest load": peaks[0],
        "largest load": peaks[-1],
        "smallest load, with the provider": google.median + over[_title(DAYS[0])].median,
    }
    return Section("memory", "Memory", TEXT, [table], [picture], facts)


def _title(days: int) -> str:
    return f"{days:,} days"


def _over(found: Rounds, label: str) -> Spread:
    pairs = zip(found[label], found[FLOOR.label], strict=True)
    return Spread(tuple(one["peak"] - floor["peak"] for one, floor in pairs))
