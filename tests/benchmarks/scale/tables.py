"""The tables of scale.md: each function yields a head and its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.wechat.settings import Settings
from tests.benchmarks.report import facts
from tests.benchmarks.scale import model
from tests.benchmarks.scale.coverage import coverage
from tests.benchmarks.scale.units import clock, dollars, duration, percent, size


def assumptions() -> Iterator[Sequence[str]]:
    """Yield what everything else rests on."""
    memory = facts("memory")
    measured = (
        f"assumed; `make bench` sees {facts('transfer')['seconds of a daily task']:.1f} s by `dag.test()`; "
        f"{memory['smallest load, with the provider']:.0f} MB with the Google provider, without it "
        f"{memory['smallest load']:.0f}, and for five years {memory['largest load']:.0f}"
    )
    yield "assumption", "value", "kind"
    yield "one call to WeChat", f"{model.FETCH_SECONDS_PER_CALL:g} s (0.1 to 0.3)", "assumed"
    yield (
        "a task's start, imports and report; of one that skips; memory",
        f"{model.TASK_OVERHEAD_SECONDS:g} s; {model.SKIP_SECONDS:g} s; {model.TASK_MEGABYTES} MB",
        measured,
    )
    seconds = f"{model.METADATA_SECONDS:g} s; {model.MERGE_SECONDS:g} s; {model.VERIFY_SECONDS:g} s"
    yield "reading the table's metadata; a MERGE that need not queue; its verification", seconds, "assumed"
    yield "calls in flight in one task (`max_concurrency`)", f"{Settings.max_concurrency}", "package default"
    yield (
        "changes of one table",
        f"{model.RUNNING} run, {model.QUEUED} queue, {model.DML_PER_10_SECONDS} start in 10 s",
        "BigQuery",
    )
    conflict = "of a table that is fetched again, 1 at once; of others, 2"
    yield "MERGEs that delete in the same partition wait for one another", conflict, "BigQuery, inferred"
    yield "billed per query and table, at least", f"{model.MINIMUM_BYTES / 2**20:.0f} MiB", "BigQuery"
    yield "price of a TiB, on demand, nothing free", f"US${model.DOLLARS_PER_TIB:g}", "assumed"
    yield "stable tokens", f"{model.FREQUENT_TOKENS:,} a minute, {model.TOKENS_PER_DAY:,} a day", "WeChat"
    yield (
        "calls of one app to one path",
        f"{model.CALLS_PER_DAY:,} a day; ask `openapi/quota/get`",
        "WeChat's staff, 2018",
    )
    airflow = [
        f"`parallelism` {model.PARALLELISM}",
        f"`max_active_tasks_per_dag` {model.TASKS_PER_DAG}",
        f"`max_map_length` {model.MAP_LENGTH:,}",
    ]
    yield "Airflow", ", ".join(airflow), "Airflow's defaults"
    yield "task instances that one scheduler sees through", f"{model.SCHEDULER_TASKS_PER_SECOND:g} a second", "assumed"
    window = f"{clock(model.START)} to {clock(model.MIDNIGHT)}, {model.WINDOW_SECONDS / 3600:g} h"
    yield "time for portraits, which WeChat gives for yesterday only", window, "assumed start"
    sizes = f"pages {model.rows(ENDPOINTS['visit_page'])}, portrait {model.ROWS['user_portrait']}, sources and stays "
    yield "rows of a busy app's day", f"{sizes}{model.ROWS['visit_distribution']}", "top 200; assumed; all keys"
    yield (
        "bytes of a row",
        f"{min(map(model.row_bytes, model.ENTRIES))} to {max(map(model.row_bytes, model.ENTRIES))}",
        ("column types; text lengths assumed"),
    )
    yield "runs", "WeChat has published, the first try succeeds", "assumed"


def work() -> Iterator[Sequence[str]]:
    """Yield what goes to WeChat and Airflow."""
    yield "a day", *(f"{apps:,} {'app' if apps == 1 else 'apps'}" for apps in model.SIZES)
    yield "task instances (13 each)", *(f"{len(model.ENTRIES) * apps:,}" for apps in model.SIZES)
    yield "of them loads, average", *(f"{model.LOADS * apps:,.1f}" for apps in model.SIZES)
    slots = [(model.AVERAGE_SECONDS * apps, model.WORST_SECONDS * apps) for apps in model.SIZES]
    yield "task-slot time, average; worst day", *(f"{duration(usual)}; {duration(worst)}" for usual, worst in slots)
    yield "data calls, average", *(f"{model.AVERAGE_CALLS * apps:,.1f}" for apps in model.SIZES)
    yield "data calls, worst day (a Monday, the 1st)", *(f"{model.WORST_CALLS * apps:,}" for apps in model.SIZES)
    yield (
        "token calls (one per load), average; worst",
        *(f"{model.LOADS * apps:,.1f}; {len(model.ENTRIES) * apps:,}" for apps in model.SIZES),
    )
    yield (
        "share of the daily tokens, if all apps shared one limit",
        *(percent(len(model.ENTRIES) * apps / model.TOKENS_PER_DAY) for apps in model.SIZES),
    )
    daily = sum(model.RATES[entry.name] == 1 for entry in model.ENTRIES)
    looks = [(model.TOKENS_PER_DAY / apps - len(model.ENTRIES)) / daily for apps in model.SIZES]
    yield "looks left in that for each daily load that waits", *(f"{count:,.0f}" for count in looks)
    yield (
        "an app's busiest path: calls, share of its quota",
        *(f"{model.HIGHEST_PATH}, {percent(model.HIGHEST_PATH / model.CALLS_PER_DAY)}" for _ in model.SIZES),
    )
    yield (
        "XComs (the result of each load, two links of each task), average",
        *(f"{(model.LOADS + 2 * len(model.ENTRIES)) * apps:,.0f}" for apps in model.SIZES),
    )
    yield (
        f"one scheduler, {model.SCHEDULER_TASKS_PER_SECOND:g} a second",
        *(duration(len(model.ENTRIES) * apps / model.SCHEDULER_TASKS_PER_SECOND) for apps in model.SIZES),
    )


def bills() -> Iterator[Sequence[str]]:
    """Yield what BigQuery runs, reads, bills and stores."""
    yield "a day", *(f"{apps:,}" for apps in model.SIZES), f"{model.SIZES[-1]:,} in groups of {model.GROUP:,}"
    layouts = [(apps, apps) for apps in model.SIZES] + [(model.SIZES[-1], model.GROUP)]
    yield "MERGEs per daily table", *(f"{shared:,}" for _, shared in layouts)
    yield (
        "requests (metadata, MERGE, wait, verify), average",
        *(f"{4 * model.LOADS * apps:,.0f}" for apps, _ in layouts),
    )
    least = [2 * model.MINIMUM_BYTES * model.LOADS * apps for apps, _ in layouts]

    def read(shared: int) -> float:
        return model.a_day(lambda entry: sum(model.scanned(entry, shared)))

    def billed(shared: int) -> float:
        return model.a_day(lambda entry: model.billed(entry, shared))

    reads = [apps * read(shared) for apps, shared in layouts]
    most = [apps * billed(shared) for apps, shared in layouts]
    yield "billed at least: the minimum, twice a load", *map(size, least)
    yield "read if pruned to partitions only", *map(size, reads)
    yield "billed at most: the larger of both, query by query", *map(size, most)
    yield "US$ a day, at least", *map(dollars, least)
    yield "US$ a day, at most", *map(dollars, most)
    year = 365.25
    stored = {e.name: year * model.RATES[e.name] * model.rows(e) * model.row_bytes(e) for e in model.ENTRIES}
    yield "stored in a year, all tables", *(size(apps * sum(stored.values())) for apps, _ in layouts)
    largest = max(stored, key=stored.__getitem__)
    yield f"of that the largest table, `{largest}`", *(size(shared * stored[largest]) for _, shared in layouts)


def minimums() -> Iterator[Sequence[str]]:
    """Yield from how many apps on a MERGE may bill more than the minimum."""
    yield "table", "partitions of a load", "an app's bytes in them", "apps that fit in the minimum"
    for entry in sorted(model.ENTRIES, key=lambda entry: -model.scanned(entry, 1)[0]):
        count, _ = model.scanned(entry, 1)
        again = {"user_portrait_7d", "user_portrait_30d"}  # like the first
        if count > 20_000 and entry.name not in again:
            yield f"`{entry.name}`", f"{model.periods(entry)}", f"{count:,}", f"{model.MINIMUM_BYTES // count:,}"


def queues() -> Iterator[Sequence[str]]:
    """Yield how fast one table takes MERGEs, by how long one takes."""
    yield (
        "a MERGE takes",
        "MERGEs an hour, 2 at once",
        "1 at once",
        f"{model.SIZES[-1]:,} apps, 2 at once",
        "1 at once",
        "most apps whose portraits are in by midnight, 2 at once",
    )
    for seconds in sorted({1.0, 2.0, 5.0, 10.0, model.MERGE_SECONDS}):
        hours = [model.SIZES[-1] * seconds / width for width in (model.RUNNING, 1)]
        rates = [f"{3600 * width / seconds:,.0f}" for width in (model.RUNNING, 1)]
        yield f"{seconds:g} s", *rates, *map(duration, hours), f"{model.WINDOW_SECONDS * model.RUNNING / seconds:,.0f}"


def pools() -> Iterator[Sequence[str]]:
    """Yield when the queue of one table is full."""
    yield (
        "slots of the pool",
        "at once on one table, at most",
        "refused from: apps started together",
        "apps spread over an hour",
    )
    most = model.RUNNING + model.QUEUED
    for slots in (model.POOL, model.TASKS_PER_DAG, most, model.PARALLELISM):
        if slots <= most:
            yield f"{slots}", f"{slots} of {most}", "never", "never"
        else:
            hourly = 3600 * min(map(model.lanes, model.ENTRIES)) / model.MERGE_SECONDS
            yield f"{slots}", f"{slots} of {most}", f"{most + 1}", f"{hourly + most + 1:,.0f}"


def walls() -> Iterator[Sequence[str]]:
    """Yield how long a day's work takes, by layout."""
    yield "apps", "layout", "task slots", "memory of tasks", "slots take", "the slowest table takes", "so in all"
    layouts = (
        (1, 1, model.POOL, "one pool"),
        (100, 100, model.POOL, "one pool"),
        (100, 100, model.TASKS_PER_DAG, "a pool per table"),
        (10_000, 10_000, model.POOL, "one pool"),
        (10_000, 10_000, len(model.ENTRIES) * model.POOL, "a pool per table, `max_active_tasks=104`"),
        (10_000, model.GROUP, 10 * model.TASKS_PER_DAG, "10 groups, each with a DAG and tables"),
        (10_000, model.GROUP, 20 * model.TASKS_PER_DAG, "the same, `max_active_tasks=32`"),
    )
    for apps, shared, slots, layout in layouts:
        by_slots = model.slots_take(apps, slots)
        by_table = model.slowest_table_takes(shared)
        bounds = map(duration, (by_slots, by_table, max(by_slots, by_table)))
        yield f"{apps:,}", layout, f"{slots}", f"{slots * model.TASK_MEGABYTES / 1000:.1f} GB", *bounds


def shares() -> Iterator[Sequence[str]]:
    """Yield how much of each limit each size uses, the most pressing first."""
    yield "limit", *(f"{apps:,}" for apps in model.SIZES), "passed at apps"
    for name, used in sorted(model.limits(), key=lambda limit: -limit[1](model.SIZES[-1])):
        passed = model.passed_at(used)
        yield name, *(percent(used(apps)) for apps in model.SIZES), f"{passed:,}" if passed <= model.MANY else "never"


def order() -> Iterator[Sequence[str]]:
    """Yield what each size meets first."""
    yield "apps", "first", "then", "then", "then"
    for apps in model.SIZES:
        nearest = sorted(model.limits(), key=lambda limit: -limit[1](apps))[:4]
        yield f"{apps:,}", *(f"{name} ({percent(used(apps))})" for name, used in nearest)


TABLES: dict[str, Callable[[], Iterator[Sequence[str]]]] = {
    "Assumptions": assumptions,
    "WeChat and Airflow": work,
    "BigQuery": bills,
    "One run of the coverage task over 400 days": coverage,
    "Apps whose MERGEs bill no more than the minimum, whatever clustering spares": minimums,
    "How fast one table takes MERGEs": queues,
    "When BigQuery refuses, by pool": pools,
    "Wall time on the worst day": walls,
    "How much of each limit is used: one DAG, shared tables, one pool": shares,
    "What comes first": order,
}
