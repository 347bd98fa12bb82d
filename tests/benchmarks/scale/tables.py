"""The tables of scale.md: each function yields a head and its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from airflow_provider_wxanalysis.wechat.settings import Settings
from tests.benchmarks.scale import model
from tests.benchmarks.scale.coverage import coverage
from tests.benchmarks.scale.units import clock, dollars, duration, percent, seen, size

GROUPED = model.Layout(10_000, 500, groups=10)


def assumptions() -> Iterator[Sequence[str]]:
    """Yield what everything else rests on."""
    measured = (
        f"assumed; `make bench` sees {seen('daily', 'seconds of a task instance', 's')} a task, all included, on a "
        f"live Airflow on two cores, and {seen('transfer', 'seconds of a daily task', 's')} by `dag.test()`; "
        f"{seen('memory', 'smallest load, with the provider', 'MB')} with the Google provider, without it "
        f"{seen('memory', 'smallest load', 'MB')}, for five years {seen('memory', 'largest load', 'MB')}, and for a "
        f"batch of 500 apps {seen('apps', 'peak of a task of 500', 'MB')}"
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
    flight = f"{Settings.max_concurrency} of an app, {model.IN_FLIGHT} of a batch"
    yield "calls in flight in one task (`max_concurrency`, `max_requests_in_flight`)", flight, "package defaults"
    summary = ENDPOINTS["daily_summary"]
    batch = model.LAYOUTS[-1].batch
    yield (
        f"a day of `{summary.name}` of {batch} apps in one task, without its start",
        f"{model.load_seconds(summary, batch) - model.TASK_OVERHEAD_SECONDS:.0f} s",
        f"computed; `make bench` sees {seen('apps', 'seconds of a task of 500', 's')} at 0.1 s a call",
    )
    carried = f"{model.CHUNK_BYTES / 1e6:.0f} MB or {model.MAX_SLICES:,} slices"
    yield "what one MERGE carries", carried, "package; bytes of a row assumed"
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
    yield "time for portraits, which WeChat documents for yesterday only", window, "assumed start"
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
    layouts = model.LAYOUTS
    yield "a day", *map(str, layouts)
    yield "task instances (13 entries)", *(f"{len(model.ENTRIES) * each.tasks:,}" for each in layouts)
    yield "of them loads, average", *(f"{model.LOADS * each.tasks:,.1f}" for each in layouts)
    slots = map(model.slot_seconds, layouts)
    yield "task-slot time, average; worst day", *(f"{duration(usual)}; {duration(worst)}" for usual, worst in slots)
    yield "data calls, average", *(f"{model.AVERAGE_CALLS * each.apps:,.1f}" for each in layouts)
    yield "data calls, worst day (a Monday, the 1st)", *(f"{model.WORST_CALLS * each.apps:,}" for each in layouts)
    yield (
        "token calls (one per app and load), average; worst",
        *(f"{model.LOADS * each.apps:,.1f}; {len(model.ENTRIES) * each.apps:,}" for each in layouts),
    )
    yield (
        "share of the daily tokens, if all apps shared one limit",
        *(percent(len(model.ENTRIES) * each.apps / model.TOKENS_PER_DAY) for each in layouts),
    )
    daily = sum(model.RATES[entry.name] == 1 for entry in model.ENTRIES)
    looks = [(model.TOKENS_PER_DAY / each.apps - len(model.ENTRIES)) / daily for each in layouts]
    yield "looks left in that for each daily load of an app that waits", *(f"{count:,.0f}" for count in looks)
    yield (
        "an app's busiest path: calls, share of its quota",
        *(f"{model.HIGHEST_PATH}, {percent(model.HIGHEST_PATH / model.CALLS_PER_DAY)}" for _ in layouts),
    )
    yield (
        "XComs (the result of each load, two links of each task), average",
        *(f"{(model.LOADS + 2 * len(model.ENTRIES)) * each.tasks:,.0f}" for each in layouts),
    )
    yield (
        f"one scheduler, {model.SCHEDULER_TASKS_PER_SECOND:g} a second",
        *(duration(len(model.ENTRIES) * each.tasks / model.SCHEDULER_TASKS_PER_SECOND) for each in layouts),
    )


def bills() -> Iterator[Sequence[str]]:
    """Yield what BigQuery runs, reads, bills and stores."""
    layouts = [*model.LAYOUTS, GROUPED]
    yield "a day", *map(str, model.LAYOUTS), f"{GROUPED}, in {GROUPED.groups} groups"
    for name in ("daily_summary", "user_portrait"):
        entry = ENDPOINTS[name]
        yield f"MERGEs into `{name}`", *(f"{model.statements(entry, each) // each.groups:,}" for each in layouts)
    counts = [*map(_merges, layouts)]
    yield "MERGEs, all tables, average", *(f"{count:,.1f}" for count in counts)
    yield "requests (metadata, MERGE, wait, verify), average", *(f"{4 * count:,.0f}" for count in counts)
    least = [2 * model.MINIMUM_BYTES * count for count in counts]
    reads, most = ([_bytes(each, bytes_) for each in layouts] for bytes_ in (_read, model.billed))
    yield "billed at least: the minimum, twice a MERGE", *map(size, least)
    yield "read if pruned to partitions only", *map(size, reads)
    yield "billed at most: the larger of both, query by query", *map(size, most)
    yield "US$ a day, at least", *map(dollars, least)
    yield "US$ a day, at most", *map(dollars, most)
    year = 365.25
    stored = {e.name: year * model.RATES[e.name] * model.rows(e) * model.row_bytes(e) for e in model.ENTRIES}
    yield "stored in a year, all tables", *(size(each.apps * sum(stored.values())) for each in layouts)
    largest = max(stored, key=stored.__getitem__)
    yield f"of that the largest table, `{largest}`", *(size(each.shared * stored[largest]) for each in layouts)


def _merges(layout: model.Layout) -> float:
    return model.a_day(lambda entry: model.statements(entry, layout))


def _bytes(layout: model.Layout, of_a_merge: Callable[[Endpoint, int], float]) -> float:
    return model.a_day(lambda entry: model.statements(entry, layout) * of_a_merge(entry, layout.shared))


def _read(entry: Endpoint, apps: int) -> float:
    return sum(model.scanned(entry, apps))


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
    apps, batch = model.LAYOUTS[-1].apps, model.LAYOUTS[-1].batch
    portrait = ENDPOINTS["user_portrait"]
    counts = [model.statements(portrait, model.Layout(apps, size)) for size in (1, batch)]
    yield (
        "a MERGE takes",
        "MERGEs an hour, 2 at once",
        "1 at once",
        f"portraits of {apps:,} apps, 2 at once",
        f"the same, {batch} to a task",
        "most apps whose portraits are in by midnight, 2 at once",
        f"the same, {batch} to a task",
    )
    for seconds in sorted({1.0, 2.0, 5.0, 10.0, model.MERGE_SECONDS}):
        rates = [f"{3600 * width / seconds:,.0f}" for width in (model.RUNNING, 1)]
        takes = [duration(count * seconds / model.RUNNING) for count in counts]
        fitting = model.WINDOW_SECONDS * model.RUNNING / seconds
        yield f"{seconds:g} s", *rates, *takes, *(f"{fitting * apps / count:,.0f}" for count in counts)


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
    yield (
        "apps",
        "layout",
        "task slots",
        "memory of tasks",
        "slots take",
        "the slowest table takes",
        "so in all",
        "portraits, started first, are in after",
    )
    each, batched = model.Layout(10_000), model.LAYOUTS[-1]
    layouts = (
        (model.ONE, model.POOL, "one pool"),
        (model.Layout(100), model.POOL, "one pool"),
        (model.Layout(100, 50), model.POOL, "one pool"),
        (each, model.POOL, "one pool"),
        (each, len(model.ENTRIES) * model.POOL, "a pool per table, `max_active_tasks=104`"),
        (batched, model.POOL, "one pool"),
        (batched, model.TASKS_PER_DAG, "a pool of 2 per table"),
        (GROUPED, model.PARALLELISM, f"{GROUPED.groups} groups, each with a DAG and tables"),
    )
    for layout, slots, title in layouts:
        by_slots = model.slots_take(layout, slots)
        by_table = model.slowest_table_takes(layout)
        portraits = max(
            model.slots_take(layout, slots, model.PORTRAITS), model.slowest_table_takes(layout, model.PORTRAITS)
        )
        bounds = map(duration, (by_slots, by_table, max(by_slots, by_table), portraits))
        yield str(layout), title, f"{slots}", f"{slots * model.TASK_MEGABYTES / 1000:.1f} GB", *bounds


def shares() -> Iterator[Sequence[str]]:
    """Yield how much of each limit each layout uses, the most pressing first."""
    batch = model.LAYOUTS[-1].batch
    yield "limit", *map(str, model.LAYOUTS), "passed at apps", f"{batch} to a task"
    for name, used in sorted(model.limits(), key=lambda limit: -limit[1](model.LAYOUTS[-2])):
        passed = [model.passed_at(used, size) for size in (1, batch)]
        ends = (f"{apps:,}" if apps <= model.MANY else "never" for apps in passed)
        yield name, *(percent(used(layout)) for layout in model.LAYOUTS), *ends


def order() -> Iterator[Sequence[str]]:
    """Yield what each layout meets first."""
    yield "apps", "first", "then", "then", "then"
    for layout in model.LAYOUTS:
        nearest = sorted(model.limits(), key=lambda limit: -limit[1](layout))[:4]
        yield str(layout), *(f"{name} ({percent(used(layout))})" for name, used in nearest)


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
