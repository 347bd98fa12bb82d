"""Knowing what is loaded: what the coverage task takes for many apps, and what it asks BigQuery."""

from __future__ import annotations

import functools
from collections import Counter

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.benchmarks.measure import Program, figure, in_turns
from tests.benchmarks.report import Section, Table
from tests.benchmarks.server import LAST_DAY, serving_loads
from tests.benchmarks.stopwatch import Figures
from tests.support.proxy import Proxy, recording_proxy

APPS, DAYS = 200, 400
SECONDS, MEGABYTES = 10, 300
LOOKED_AT, DAYS_LOADED = (1, 10, 50), 7
#: Those of which WeChat keeps a past; the others' tables are missing, as before their first load.
LOADED = [name for name, entry in ENDPOINTS.items() if entry.reach_days is None]
DATASET = "bench.coverage"
CLASSIFY = Program("classify", "classify_coverage")
LOOK = Program("look", "look_coverage")
LOAD = Program("load", "load_package")
TEXT = f"""\
What the tables hold of {APPS} apps, {len(ENDPOINTS)} endpoints and {DAYS} days is made up, with a gap here and there,
as the queries would have returned it. From this follow the states of all periods, the plan of loads that heal it, and
the snapshot that the page in Airflow's UI draws, in one process; its peak includes what the tables hold. Targets: under
{SECONDS} seconds of CPU time for the states, under {MEGABYTES} MB.
Then the coverage task itself reads real tables in local-bigquery, loaded with {DAYS_LOADED} days of up to
{max(LOOKED_AT)} apps, through a proxy that records what it sends. Target: one query per table and two, for recorded
empty periods and for names, however many apps there are; a table of which no whole period has ended in those days is
not asked; the first run alone makes the table of names."""


def run(rounds: int) -> Section:
    """Measure."""
    found = in_turns({"": functools.partial(CLASSIFY.run, {"apps": APPS, "days": DAYS})}, rounds)
    values = [figure(found, "", name) for name in ("classify", "report", "peak")]
    first = found[""][0]
    states = Table(
        f"{APPS} apps x {len(ENDPOINTS)} endpoints x {DAYS} days",
        ["periods", "states, CPU s", "plan and snapshot, CPU s", "peak MB", "snapshot, KB"],
        [
            [
                f"{first['periods']:,}",
                f"{values[0]}",
                f"{values[1]}",
                f"{values[2]:.0f}",
                f"{first['bytes'] / 1024:.0f}",
            ]
        ],
    )
    looks = _looks()
    facts = {
        "seconds to classify": values[0].median,
        "peak of 200 apps": values[2].median,
        "queries of a look": looks[max(LOOKED_AT)]["queries"],
    }
    return Section("coverage", "Coverage", TEXT, [states, _look_table(looks)], [], facts)


def _looks() -> dict[int, Figures]:
    with serving_loads(4) as (_, env), recording_proxy(env["BIGQUERY_EMULATOR_HOST"]) as proxy:
        asked = {"dataset": DATASET, "days": DAYS_LOADED, "last_day": LAST_DAY.isoformat()}
        apps = {"weanalysis_conn_id": "fleet", "appids": _appids(max(LOOKED_AT))}
        for name in LOADED:
            if not name.startswith(("weekly", "monthly")):  # whose periods are not whole in so few days
                LOAD.run({**asked, "endpoint": name, "apps": apps}, env)
        env = {**env, "BIGQUERY_EMULATOR_HOST": proxy.url}
        return {count: _look(proxy, {**asked, "appids": _appids(count)}, env) for count in (1, *LOOKED_AT)}


def _look(proxy: Proxy, asked: dict[str, object], env: dict[str, str]) -> Figures:
    proxy.exchanges.clear()
    figures = LOOK.run(asked, env)
    kinds = Counter("queries" if exchange.sql else "other" for exchange in proxy.exchanges)
    return {**figures, **kinds}


def _look_table(looks: dict[int, Figures]) -> Table:
    head = ["apps", "queries", "other requests", "seconds", "CPU seconds"]
    table = Table(f"One coverage run over the tables of {len(ENDPOINTS)} endpoints", head)
    for count, figures in looks.items():
        counts = [f"{count:,}", str(figures["queries"]), str(figures.get("other", 0))]
        table.rows.append([*counts, f"{figures['wall']:.2f}", f"{figures['cpu']:.2f}"])
    return table


def _appids(count: int) -> list[str]:
    return [f"wx{number:016x}" for number in range(count)]
