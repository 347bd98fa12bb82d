"""Scale on paper: what 1, 100 and 10,000 apps a day come to. ``python -m tests.benchmarks.scale`` writes scale.md anew.

Pure: the catalogue says what is asked and how rows look, the constants below say the rest. Nothing is measured here.
"""

from __future__ import annotations

import bisect
import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from airflow_provider_wxanalysis.hooks.settings import Settings

PAGE = Path(__file__).with_name("scale.md")
SIZES = (1, 100, 10_000)
MANY = 1_000_000

# Of a real deployment: assumed, on the careful side of what `make bench` sees on one machine (results/README.md).
FETCH_SECONDS_PER_CALL = 0.2  # one call to WeChat, there and back; 0.1 to 0.3 is usual
TASK_OVERHEAD_SECONDS = 10.0  # a task's process: start, imports with BigQuery's client, reporting back
SKIP_SECONDS = 5.0  # a task that finds nothing due: start and skip, without BigQuery's client
METADATA_SECONDS = 0.3  # reading the table's definition
MERGE_SECONDS = 5.0  # one MERGE, from submission to its end, when it need not queue
VERIFY_SECONDS = 2.0  # the query after it
TASK_MEGABYTES = 160  # resident memory of a task's process

# What others document.
RUNNING, QUEUED, DML_PER_10_SECONDS = 2, 20, 25  # BigQuery: changes of one table
MINIMUM_BYTES = 10 * 2**20  # BigQuery: billed per query and table, at least
FREQUENT_TOKENS, TOKENS_PER_DAY = 10_000, 500_000  # WeChat: stable tokens per minute and per day
CALLS_PER_DAY = 100_000  # WeChat: calls per app and path, told by its staff in 2018 and adjusted since
PARALLELISM, TASKS_PER_DAG, MAP_LENGTH = 32, 16, 1024  # Airflow's defaults
POOL = 8  # README

# Assumed.
DOLLARS_PER_TIB = 6.25
SCHEDULER_TASKS_PER_SECOND = 5.0  # one scheduler; task instances brought from scheduled to done
START, MIDNIGHT = 10.5, 24.0  # hours in Beijing; after midnight WeChat refuses yesterday's portraits
GROUP = 1_000  # apps that share tables and a DAG, where there are many
ROWS = {  # rows of one period of a busy app; pages and retention follow from the catalogue
    "daily_summary": 1,
    "daily_visit_trend": 1,
    "weekly_visit_trend": 1,
    "monthly_visit_trend": 1,
    "visit_distribution": 129,  # every documented key: 57 sources, twice, 8 stays, 7 depths
    "user_portrait": 500,
    "user_portrait_7d": 500,
    "user_portrait_30d": 500,
    "performance_data": 15,
}
FIXED_BYTES = 8  # INT64, FLOAT64, DATE, TIMESTAMP
TEXT_BYTES = {"appid": 18, "ref_date": 8, "page_path": 30, "distribution": 24, "_load_id": 49, "_run_id": 36}
OTHER_TEXT_BYTES = 14

CALENDAR = [dt.date(2026, 1, 1) + dt.timedelta(days=day) for day in range(365 * 28 + 7)]  # then weekdays recur
WINDOW_SECONDS = (MIDNIGHT - START) * 3600
ENTRIES = tuple(ENDPOINTS.values())


def due(entry: Endpoint, day: dt.date) -> bool:
    """Whether a period of the endpoint ends on ``day``."""
    return entry.window.ending(day) is not None


def per_day(entry: Endpoint) -> float:
    """How many periods end a day, on average."""
    return RATES[entry.name]


RATES = {entry.name: sum(due(entry, day) for day in CALENDAR) / len(CALENDAR) for entry in ENTRIES}


def periods(entry: Endpoint) -> int:
    """How many periods a run loads when one is due."""
    return 1 + len(entry.refresh_offsets)


def calls(entry: Endpoint) -> int:
    """How many calls that takes."""
    return periods(entry) * len(entry.cells)


def rows(entry: Endpoint) -> int:
    """How many rows a period of a busy app has."""
    if entry.row_limit:
        return entry.row_limit
    return ROWS.get(entry.name) or 2 * periods(entry)


def row_bytes(entry: Endpoint, names: Sequence[str] = ()) -> int:
    """How much BigQuery counts for a row, or for some of its columns; ``_extra`` is NULL and takes nothing."""
    return sum(
        2 + TEXT_BYTES.get(column.name, OTHER_TEXT_BYTES) if column.type == "STRING" else FIXED_BYTES
        for column in entry.table_columns
        if column.type != "JSON" and (not names or column.name in names)
    )


def scanned(entry: Endpoint, apps: int) -> tuple[int, int]:
    """What a MERGE and its verification read if clustering spares nothing: their partitions, all apps' rows."""
    count = periods(entry) * rows(entry) * apps
    return count * row_bytes(entry), count * row_bytes(entry, ("appid", "begin_date", "end_date", "_load_id"))


def billed(entry: Endpoint, apps: int) -> int:
    """What the two bill at the most."""
    return sum(max(MINIMUM_BYTES, size) for size in scanned(entry, apps))


def lanes(entry: Endpoint) -> int:
    """How many MERGEs of a table get on at once: those that delete in the same partitions run one after the other."""
    return 1 if entry.refresh_offsets else RUNNING


def load_seconds(entry: Endpoint) -> float:
    """How long a task has its slot if its MERGE need not queue."""
    rounds = 1 + math.ceil(calls(entry) / Settings.max_concurrency)  # the first is for the token
    fetch = rounds * FETCH_SECONDS_PER_CALL
    return TASK_OVERHEAD_SECONDS + METADATA_SECONDS + fetch + MERGE_SECONDS + VERIFY_SECONDS


def merge_bound(apps: int) -> float:
    """How long the slowest table takes."""
    return max(apps * MERGE_SECONDS / lanes(entry) for entry in ENTRIES)


LOADS = sum(per_day(entry) for entry in ENTRIES)
AVERAGE_CALLS = sum(per_day(entry) * calls(entry) for entry in ENTRIES)
WORST_CALLS = max(sum(calls(entry) for entry in ENTRIES if due(entry, day)) for day in CALENDAR)
WORST_SECONDS = sum(map(load_seconds, ENTRIES))
AVERAGE_SECONDS = sum(per_day(entry) * load_seconds(entry) + (1 - per_day(entry)) * SKIP_SECONDS for entry in ENTRIES)
TABLE_PATHS: dict[str, int] = {}
for _entry in ENTRIES:
    TABLE_PATHS[_entry.path] = TABLE_PATHS.get(_entry.path, 0) + calls(_entry)
HIGHEST_PATH = max(TABLE_PATHS.values())


def assumptions() -> Iterator[Sequence[str]]:
    """Yield what everything else rests on."""
    yield "assumption", "value", "kind"
    yield "one call to WeChat", f"{FETCH_SECONDS_PER_CALL:g} s (0.1 to 0.3)", "assumed"
    yield (
        "a task's start, imports and report; of one that skips; memory",
        f"{TASK_OVERHEAD_SECONDS:g} s; {SKIP_SECONDS:g} s; {TASK_MEGABYTES} MB",
        "assumed; `make bench` sees 3 s by `dag.test()`, and 145 to 184 MB",
    )
    seconds = f"{METADATA_SECONDS:g} s; {MERGE_SECONDS:g} s; {VERIFY_SECONDS:g} s"
    yield "reading the table's metadata; a MERGE that need not queue; its verification", seconds, "assumed"
    yield "calls in flight in one task (`max_concurrency`)", f"{Settings.max_concurrency}", "package default"
    yield "changes of one table", f"{RUNNING} run, {QUEUED} queue, {DML_PER_10_SECONDS} start in 10 s", "BigQuery"
    conflict = "of a table that is fetched again, 1 at once; of others, 2"
    yield "MERGEs that delete in the same partition wait for one another", conflict, "BigQuery, inferred"
    yield "billed per query and table, at least", f"{MINIMUM_BYTES / 2**20:.0f} MiB", "BigQuery"
    yield "price of a TiB, on demand, nothing free", f"US${DOLLARS_PER_TIB:g}", "assumed"
    yield "stable tokens", f"{FREQUENT_TOKENS:,} a minute, {TOKENS_PER_DAY:,} a day", "WeChat"
    yield "calls of one app to one path", f"{CALLS_PER_DAY:,} a day; ask `openapi/quota/get`", "WeChat's staff, 2018"
    airflow = (
        f"`parallelism` {PARALLELISM}, `max_active_tasks_per_dag` {TASKS_PER_DAG}, `max_map_length` {MAP_LENGTH:,}"
    )
    yield "Airflow", airflow, "Airflow's defaults"
    yield "task instances that one scheduler sees through", f"{SCHEDULER_TASKS_PER_SECOND:g} a second", "assumed"
    window = f"{clock(START)} to {clock(MIDNIGHT)}, {WINDOW_SECONDS / 3600:g} h"
    yield "time for portraits, which WeChat gives for yesterday only", window, "assumed start"
    sizes = f"pages {rows(ENDPOINTS['visit_page'])}, portrait {ROWS['user_portrait']}, sources and stays "
    yield "rows of a busy app's day", f"{sizes}{ROWS['visit_distribution']}", "top 200; assumed; all keys"
    yield (
        "bytes of a row",
        f"{min(map(row_bytes, ENTRIES))} to {max(map(row_bytes, ENTRIES))}",
        ("column types; text lengths assumed"),
    )
    yield "runs", "WeChat has published, the first try succeeds", "assumed"


def work() -> Iterator[Sequence[str]]:
    """Yield what goes to WeChat and Airflow."""
    yield "a day", *(f"{apps:,} {'app' if apps == 1 else 'apps'}" for apps in SIZES)
    yield "task instances (13 each)", *(f"{len(ENTRIES) * apps:,}" for apps in SIZES)
    yield "of them loads, average", *(f"{LOADS * apps:,.1f}" for apps in SIZES)
    slots = [(AVERAGE_SECONDS * apps, WORST_SECONDS * apps) for apps in SIZES]
    yield "task-slot time, average; worst day", *(f"{duration(usual)}; {duration(worst)}" for usual, worst in slots)
    yield "data calls, average", *(f"{AVERAGE_CALLS * apps:,.1f}" for apps in SIZES)
    yield "data calls, worst day (a Monday, the 1st)", *(f"{WORST_CALLS * apps:,}" for apps in SIZES)
    yield (
        "token calls (one per load), average; worst",
        *(f"{LOADS * apps:,.1f}; {len(ENTRIES) * apps:,}" for apps in SIZES),
    )
    yield (
        "share of the daily tokens, if all apps shared one limit",
        *(percent(len(ENTRIES) * apps / TOKENS_PER_DAY) for apps in SIZES),
    )
    daily = sum(RATES[entry.name] == 1 for entry in ENTRIES)
    looks = [(TOKENS_PER_DAY / apps - len(ENTRIES)) / daily for apps in SIZES]
    yield "looks left in that for each daily load that waits", *(f"{count:,.0f}" for count in looks)
    yield (
        "an app's busiest path: calls, share of its quota",
        *(f"{HIGHEST_PATH}, {percent(HIGHEST_PATH / CALLS_PER_DAY)}" for _ in SIZES),
    )
    yield "XComs (result and two links of each load), average", *(f"{3 * LOADS * apps:,.0f}" for apps in SIZES)
    yield (
        f"one scheduler, {SCHEDULER_TASKS_PER_SECOND:g} a second",
        *(duration(len(ENTRIES) * apps / SCHEDULER_TASKS_PER_SECOND) for apps in SIZES),
    )


def bills() -> Iterator[Sequence[str]]:
    """Yield what BigQuery runs, reads, bills and stores."""
    yield "a day", *(f"{apps:,}" for apps in SIZES), f"{SIZES[-1]:,} in groups of {GROUP:,}"
    layouts = [(apps, apps) for apps in SIZES] + [(SIZES[-1], GROUP)]
    yield "MERGEs per daily table", *(f"{shared:,}" for _, shared in layouts)
    yield "requests (metadata, MERGE, wait, verify), average", *(f"{4 * LOADS * apps:,.0f}" for apps, _ in layouts)
    least = [2 * MINIMUM_BYTES * LOADS * apps for apps, _ in layouts]
    reads = [apps * sum(per_day(e) * sum(scanned(e, shared)) for e in ENTRIES) for apps, shared in layouts]
    most = [apps * sum(per_day(e) * billed(e, shared) for e in ENTRIES) for apps, shared in layouts]
    yield "billed at least: the minimum, twice a load", *map(size, least)
    yield "read if pruned to partitions only", *map(size, reads)
    yield "billed at most: the larger of both, query by query", *map(size, most)
    yield "US$ a day, at least", *map(dollars, least)
    yield "US$ a day, at most", *map(dollars, most)
    stored = [apps * 365.25 * sum(per_day(e) * rows(e) * row_bytes(e) for e in ENTRIES) for apps, _ in layouts]
    yield "stored in a year, all tables", *map(size, stored)
    largest = max(ENTRIES, key=lambda e: per_day(e) * rows(e) * row_bytes(e))
    one = 365.25 * per_day(largest) * rows(largest) * row_bytes(largest)
    yield f"of that the largest table, `{largest.name}`", *(size(one * shared) for _, shared in layouts)


def minimums() -> Iterator[Sequence[str]]:
    """Yield from how many apps on a MERGE may bill more than the minimum."""
    yield "table", "partitions of a load", "an app's bytes in them", "apps that fit in the minimum"
    for entry in sorted(ENTRIES, key=lambda entry: -scanned(entry, 1)[0]):
        count, _ = scanned(entry, 1)
        again = {"user_portrait_7d", "user_portrait_30d"}  # like the first
        if count > 20_000 and entry.name not in again:
            yield f"`{entry.name}`", f"{periods(entry)}", f"{count:,}", f"{MINIMUM_BYTES // count:,}"


def queues() -> Iterator[Sequence[str]]:
    """Yield how fast one table takes MERGEs, by how long one takes."""
    yield (
        "a MERGE takes",
        "MERGEs an hour, 2 at once",
        "1 at once",
        f"{SIZES[-1]:,} apps, 2 at once",
        "1 at once",
        "most apps before midnight, 2 at once",
    )
    for seconds in sorted({1.0, 2.0, 5.0, 10.0, MERGE_SECONDS}):
        hours = [SIZES[-1] * seconds / width for width in (RUNNING, 1)]
        rates = [f"{3600 * width / seconds:,.0f}" for width in (RUNNING, 1)]
        yield f"{seconds:g} s", *rates, *map(duration, hours), f"{WINDOW_SECONDS * RUNNING / seconds:,.0f}"


def pools() -> Iterator[Sequence[str]]:
    """Yield when the queue of one table is full."""
    yield (
        "slots of the pool",
        "at once on one table, at most",
        "refused from: apps started together",
        "apps spread over an hour",
    )
    most = RUNNING + QUEUED
    for slots in (POOL, TASKS_PER_DAG, most, PARALLELISM):
        if slots <= most:
            yield f"{slots}", f"{slots} of {most}", "never", "never"
        else:
            hourly = 3600 * RUNNING / MERGE_SECONDS
            yield f"{slots}", f"{slots} of {most}", f"{most + 1}", f"{hourly + most + 1:,.0f}"


def walls() -> Iterator[Sequence[str]]:
    """Yield how long a day's work takes, by layout."""
    yield "apps", "layout", "task slots", "memory of tasks", "slots allow", "slowest table allows", "so at least"
    layouts = (
        (1, 1, POOL, "one pool"),
        (100, 100, POOL, "one pool"),
        (100, 100, TASKS_PER_DAG, "a pool per table"),
        (10_000, 10_000, POOL, "one pool"),
        (10_000, 10_000, len(ENTRIES) * POOL, "a pool per table"),
        (10_000, GROUP, 10 * TASKS_PER_DAG, "10 groups, each with a DAG and tables"),
        (10_000, GROUP, 20 * TASKS_PER_DAG, "the same, `max_active_tasks=32`"),
    )
    for apps, shared, slots, layout in layouts:
        by_slots = max(apps * WORST_SECONDS / slots, max(map(load_seconds, ENTRIES)))
        by_table = merge_bound(shared)
        bounds = map(duration, (by_slots, by_table, max(by_slots, by_table)))
        yield f"{apps:,}", layout, f"{slots}", f"{slots * TASK_MEGABYTES / 1000:.1f} GB", *bounds


def limits() -> list[tuple[str, Callable[[int], float]]]:
    """Return what one DAG with shared tables and one pool uses up, and how much of it."""
    portrait = ENDPOINTS["user_portrait"]
    return [
        (
            f"one pool of {POOL} slots: done by midnight",
            lambda apps: max(apps * WORST_SECONDS / POOL, max(map(load_seconds, ENTRIES))) / WINDOW_SECONDS,
        ),
        ("slowest table: done by midnight", lambda apps: merge_bound(apps) / WINDOW_SECONDS),
        (
            "one scheduler: done by midnight",
            lambda apps: len(ENTRIES) * apps / SCHEDULER_TASKS_PER_SECOND / WINDOW_SECONDS,
        ),
        ("bill: a portrait's MERGE within the minimum", lambda apps: scanned(portrait, apps)[0] / MINIMUM_BYTES),
        ("`max_map_length`, if a task makes the list of apps", lambda apps: apps / MAP_LENGTH),
        ("tokens of a day, if all apps shared one limit", lambda apps: len(ENTRIES) * apps / TOKENS_PER_DAY),
        (
            "tokens of a minute, likewise, one pool",
            lambda apps: min(len(ENTRIES) * apps, 60 * POOL / min(map(load_seconds, ENTRIES))) / FREQUENT_TOKENS,
        ),
        ("a table's places for MERGEs", lambda apps: min(apps, POOL) / (RUNNING + QUEUED)),
        ("an app's quota of its busiest path", lambda apps: HIGHEST_PATH / CALLS_PER_DAY),
    ]


def shares() -> Iterator[Sequence[str]]:
    """Yield how much of each limit each size uses, the most pressing first."""
    yield "limit", *(f"{apps:,}" for apps in SIZES), "passed at apps"
    for name, used in sorted(limits(), key=lambda limit: -limit[1](SIZES[-1])):
        passed = passed_at(used)
        yield name, *(percent(used(apps)) for apps in SIZES), f"{passed:,}" if passed <= MANY else "never"


def passed_at(used: Callable[[int], float]) -> int:
    """Return from how many apps on more than all of a limit is used."""
    return 1 + bisect.bisect_left(range(1, MANY + 1), True, key=lambda apps: used(apps) > 1)


def order() -> Iterator[Sequence[str]]:
    """Yield what each size meets first."""
    yield "apps", "first", "then", "then", "then"
    for apps in SIZES:
        nearest = sorted(limits(), key=lambda limit: -limit[1](apps))[:4]
        yield f"{apps:,}", *(f"{name} ({percent(used(apps))})" for name, used in nearest)


def clock(hours: float) -> str:
    """Return a time of day."""
    return f"{int(hours)}:{round(hours % 1 * 60):02}"


def duration(seconds: float) -> str:
    """Return a duration in its handiest unit."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def percent(share: float) -> str:
    """Return a share with two figures, or more where it is large."""
    return f"{100 * share:,.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def size(count: float) -> str:
    """Return a size in GB."""
    return f"{count / 1e9:,.0f} GB" if count >= 1e10 else f"{count / 1e9:.2g} GB"


def dollars(count: float) -> str:
    """Return what so many bytes cost."""
    cost = count / 2**40 * DOLLARS_PER_TIB
    return f"{cost:,.2f}" if cost >= 0.1 else f"{cost:.4f}"


TABLES: dict[str, Callable[[], Iterator[Sequence[str]]]] = {
    "Assumptions": assumptions,
    "WeChat and Airflow": work,
    "BigQuery": bills,
    "Apps whose MERGEs bill no more than the minimum, whatever clustering spares": minimums,
    "How fast one table takes MERGEs": queues,
    "When BigQuery refuses, by pool": pools,
    "Wall time on the worst day": walls,
    "How much of each limit is used: one DAG, shared tables, one pool": shares,
    "What comes first": order,
}


def rendered(text: str) -> str:
    """Return the page with its tables as they should be."""
    parts = []
    for title, table in TABLES.items():
        head, *lines = table()
        rule = ["---", *["---" if title in ("Assumptions", "What comes first") else "---:" for _ in head[1:]]]
        parts.append("\n".join([f"**{title}**", "", *(f"| {' | '.join(line)} |" for line in (head, rule, *lines))]))
    marks = re.compile(r"(<!-- scale: generated -->\n).*?(<!-- end -->)", re.DOTALL)
    body = "\n\n".join(parts)
    text, found = marks.subn(lambda m: f"{m[1]}\n{body}\n\n{m[2]}", text)
    if found != 1:
        raise ValueError("scale.md has no place for its tables")
    return text


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
