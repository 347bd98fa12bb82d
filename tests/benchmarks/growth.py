"""What a period costs as ranges and apps grow, and how many BigQuery jobs they need."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from collections.abc import Iterator

from airflow_provider_wxanalysis.bigquery.chunks import CHUNK_BYTES, Slice, encode, pack
from airflow_provider_wxanalysis.catalogue.json_text import parse
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.wechat.records import read
from tests.benchmarks.measure import Program, Rounds, figure, in_turns
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import APPS, LAST_DAY, Replies, calls, serving
from tests.benchmarks.stopwatch import Figures

ENDPOINT = "daily_visit_trend"
DAYS = (1, 10, 100, 1000)
MANY = (1, 10, 100)
DAYS_OF_MANY = 10
CONCURRENCY = 4
TEXT = f"""\
Fetching {ENDPOINT} with concurrency {CONCURRENCY} and no latency: what is left is this machine's work; wall time
includes the server's, CPU time does not. One period alone also pays for what a task needs once, such as its
connections. A MERGE replaces as many periods as {CHUNK_BYTES / 1e6:.0f} MB of a request hold, so jobs grow with bytes
and not with periods; the bytes are the packer's count, and next to each MERGE there is one query that verifies it.
Many apps are asked together, {CONCURRENCY} requests in flight in all; reading their connections is outside the
measurement."""


def run(rounds: int) -> Section:
    """Measure."""
    apps = tuple(f"wx{number:016x}" for number in range(1, max(MANY) + 1))
    with serving(Replies(apps)) as replies:
        periods = _measure(replies, {f"{days:,}": (apps[:1], days) for days in DAYS}, rounds)
        many = _measure(replies, {f"{count:,}": (apps[:count], DAYS_OF_MANY) for count in MANY}, rounds)
    tables = [
        _table("Periods of one app", "periods", periods),
        _table(f"Apps, {DAYS_OF_MANY} periods each", "apps", many),
        _jobs(),
    ]
    groups = {
        f"{label} periods": {
            title: bar(figure(periods, label, name)) for title, name in {"wall": "wall_per", "CPU": "cpu_per"}.items()
        }
        for label in periods
    }
    picture = Bars("growth", "Cost of a period as the range grows", "milliseconds per period", groups)
    return Section("growth", "Growth", TEXT, tables, [picture])


def _measure(replies: Replies, wanted: dict[str, tuple[tuple[str, ...], int]], rounds: int) -> Rounds:
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        runs = {label: functools.partial(_fetch, replies, *sizes, home) for label, sizes in wanted.items()}
        in_turns(runs, 1)  # so that the server has all replies ready
        return in_turns(runs, rounds)


def _fetch(replies: Replies, apps: tuple[str, ...], days: int, home: str) -> Figures:
    asked = {
        "url": replies.url,
        "tokens": {appid: replies.tokens[appid] for appid in apps},
        "endpoints": [calls(ENDPOINTS[ENDPOINT], days)],
        "concurrency": CONCURRENCY,
    }
    connections = {
        f"AIRFLOW_CONN_{appid.upper()}": replies.connection(appid, max_concurrency=CONCURRENCY) for appid in apps
    }
    figures = Program("fetch", "fetch_hook").run(asked, {**connections, "AIRFLOW_HOME": home})
    for name in ("wall", "cpu"):
        figures[f"{name}_per"] = figures[name] * 1000 / len(apps) / days
    return figures


def _table(title: str, counted: str, found: Rounds) -> Table:
    table = Table(title, [counted, "wall, ms per period", "CPU, ms per period", "wall, seconds in all"])
    for label in found:
        values = [figure(found, label, name) for name in ("wall_per", "cpu_per")]
        table.rows.append([label, *(f"{value}" for value in values), f"{figure(found, label, 'wall'):.3f}"])
    return table


def _jobs() -> Table:
    """Count what a load would send; nothing here depends on the machine."""
    table = Table(
        "BigQuery jobs by bytes", ["endpoint", "periods", "rows", "MB to BigQuery", "MERGE statements", "MB per MERGE"]
    )
    for name in (ENDPOINT, "visit_page"):
        for days in DAYS:
            rows = size = jobs = 0
            for chunk in pack(_slices(name, days)):
                jobs += 1
                size += chunk.wire_bytes
                rows += sum(piece.rows for piece in chunk.slices)
            megabytes = size / 1e6
            values = [f"{days:,}", f"{rows:,}", f"{megabytes:.2f}", str(jobs), f"{megabytes / jobs:.2f}"]
            table.rows.append([name, *values])
    return table


def _slices(name: str, days: int) -> Iterator[Slice]:
    replies, entry = Replies(), ENDPOINTS[name]
    for back in range(days):
        day = LAST_DAY - dt.timedelta(days=back)
        period = Period(day, day)
        (request,) = entry.requests(period)
        reply = parse(replies.body(entry, APPS[0], request.body))
        yield encode(entry, APPS[0], period, read(entry, APPS[0], period, reply, request.selection).rows)
