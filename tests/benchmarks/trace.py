"""What happens when inside a task that loads one day, today and in the code from before it was made faster."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Program, Rounds, Spread, figure, in_turns
from tests.benchmarks.report import Section, Table
from tests.benchmarks.server import APPS, LAST_DAY, PAGES, Replies, serving_loads
from tests.benchmarks.stopwatch import Figures
from tests.support.proxy import Exchange, Proxy, recording_proxy
from tests.support.servers import REPOSITORY

ENDPOINT = "visit_page"
LATENCY = 0.1
#: The last commit in which one step followed the other.
BEFORE = "7925167"
CONNECTION, TODAY = "stable", "today"
PROGRAM = Program("load", "trace_load")
TOKEN, DATA, IMPORT = "token", "first data call", "import of Google's client"
METADATA, MERGE, VERIFY = "table metadata", "MERGE", "verification"
STEPS = (TOKEN, DATA, IMPORT, METADATA, MERGE, VERIFY)
TEXT = f"""\
One day of {ENDPOINT} ({PAGES} rows) into a table that is there, by `execute` in a fresh process that has imported the
operator, as parsing the DAG file does. Before is the package's code of commit {BEFORE}, taken out of git into a folder
for the time of the measurement, and run by the same program. WeChat's latency is {LATENCY * 1000:.0f} ms, and the token
has to be asked for. Times are milliseconds since the task's start, from the moment a server has a request to the moment
it has answered the last one of the step; BigQuery is local-bigquery behind a recording proxy, on the same two cores.
The WeChat path ends with the data call, the BigQuery path with the table's metadata. Target: the whole takes no longer
than the slower of the two paths, MERGE and verification; what is above 1 is the work between these steps."""


def run(rounds: int) -> Section:
    """Measure."""
    with (
        _code_before() as before,
        serving_loads(4) as (replies, env),
        recording_proxy(env["BIGQUERY_EMULATOR_HOST"]) as proxy,
    ):
        environment = {**env, "BIGQUERY_EMULATOR_HOST": proxy.url, "PYTHONSAFEPATH": "1"}
        environment["AIRFLOW_CONN_STABLE"] = replies.stable(APPS[0])
        codes = {BEFORE: before, TODAY: str(REPOSITORY)}
        runs = {
            label: functools.partial(_trace, replies, proxy, label, code, environment) for label, code in codes.items()
        }
        in_turns(runs, 1)  # so that the tables are there
        replies.latency = LATENCY
        found = in_turns(runs, rounds)
    table = Table("Milliseconds since the task's start", ["step", *(f"{label}: from, to" for label in found)])
    for step in STEPS:
        table.rows.append([step, *(_span(found, label, step) for label in found)])
    table.rows.append(["whole load", *(f"{figure(found, label, 'whole'):.0f}" for label in found)])
    parts = "slower path, MERGE and verification, summed up"
    table.rows.append([parts, *(f"{figure(found, label, 'parts'):.0f}" for label in found)])
    shares = {
        label: Spread(tuple(figures["whole"] / figures["parts"] for figures in list_)) for label, list_ in found.items()
    }
    table.rows.append(["whole load, times that", *(f"{share}" for share in shares.values())])
    facts = {"seconds of a daily load": figure(found, TODAY, "whole").median / 1000}
    return Section("trace", "Time inside a task", TEXT, [table], [], facts)


@contextmanager
def _code_before() -> Iterator[str]:
    """Yield a folder with the package as it was, compiled."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        archive = Path(folder, "code.tar")
        package = "airflow_provider_wxanalysis"
        command = ["git", "archive", "--output", str(archive), BEFORE, package]
        subprocess.run(command, cwd=REPOSITORY, check=True)
        subprocess.run(["tar", "-xf", archive.name], cwd=folder, check=True)
        python = str(REPOSITORY / ".venv" / "bin" / "python")
        subprocess.run([python, "-m", "compileall", "-q", package], cwd=folder, check=True)
        yield folder


def _trace(replies: Replies, proxy: Proxy, label: str, code: str, env: dict[str, str]) -> Figures:
    replies.calls.clear()
    proxy.exchanges.clear()
    asked = {
        "code": code,
        "endpoint": ENDPOINT,
        "conn_id": CONNECTION,
        "table": f"bench.trace_{label}.visit_page",
        "last_day": LAST_DAY.isoformat(),
    }
    figures = PROGRAM.run(asked, {**env, "PYTHONPATH": f"{code}:{REPOSITORY}"})
    if figures["rows"] != PAGES:
        raise RuntimeError(f"{label}: {figures['rows']} rows were loaded")
    token, data = ((call.starts_at, call.ends_at) for call in replies.calls)
    spans = {TOKEN: token, DATA: data, IMPORT: figures["import"], **_spans(proxy.exchanges)}
    start = figures["starts_at"]
    traced: Figures = {
        f"{step} {end}": (moment - start) * 1000
        for step, span in spans.items()
        for end, moment in zip(("from", "to"), span, strict=True)
    }
    traced["whole"] = (figures["ends_at"] - start) * 1000
    writing = sum(traced[f"{step} to"] - traced[f"{step} from"] for step in (MERGE, VERIFY))
    traced["parts"] = max(traced[f"{DATA} to"], traced[f"{METADATA} to"]) + writing
    return traced


def _spans(exchanges: list[Exchange]) -> dict[str, tuple[float, float]]:
    """Return when each step at BigQuery began and ended; looks for a statement's end belong to the statement."""
    spans: dict[str, tuple[float, float]] = {}
    step = METADATA
    for exchange in exchanges:
        if exchange.sql:
            step = MERGE if exchange.sql.startswith(MERGE) else VERIFY
        elif "/tables/" in exchange.path:
            step = METADATA
        first, last = spans.get(step, (exchange.starts_at, exchange.ends_at))
        spans[step] = min(first, exchange.starts_at), max(last, exchange.ends_at)
    return spans


def _span(found: Rounds, label: str, step: str) -> str:
    ends: list[Any] = [figure(found, label, f"{step} {end}").median for end in ("from", "to")]
    return f"{ends[0]:.0f}, {ends[1]:.0f}"
