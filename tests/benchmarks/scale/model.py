"""What apps ask of WeChat, BigQuery and Airflow: the catalogue says what is asked and how rows look, the rest is here.

Pure. Nothing is measured here; what was measured stands next to the assumptions.
"""

from __future__ import annotations

import bisect
import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from airflow_provider_wxanalysis.bigquery.chunks import CHUNK_BYTES, MAX_SLICES
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from airflow_provider_wxanalysis.wechat.settings import Settings

MANY = 1_000_000


class Layout(NamedTuple):
    """How a day's work is cut up.

    :param apps: how many there are.
    :param batch: how many share a task (``apps_per_task``).
    :param groups: how many groups they form, each with its own DAG and tables.
    """

    apps: int
    batch: int = 1
    groups: int = 1

    @property
    def shared(self) -> int:
        """How many apps share a table."""
        return math.ceil(self.apps / self.groups)

    @property
    def tasks(self) -> int:
        """How many tasks an endpoint has."""
        return self.groups * math.ceil(self.shared / self.batch)

    @property
    def size(self) -> int:
        """How many apps a task has."""
        return min(self.batch, self.shared)

    def __str__(self) -> str:
        apps = f"{self.apps:,} {'app' if self.apps == 1 else 'apps'}"
        return f"{apps}, {self.size} to a task" if self.size > 1 else apps


ONE = Layout(1)
LAYOUTS = (ONE, Layout(100), Layout(100, 50), Layout(10_000), Layout(10_000, 500))

# Of a real deployment: assumed, on the careful side of what `make bench` sees on one machine.
FETCH_SECONDS_PER_CALL = 0.2  # one call to WeChat, there and back; 0.1 to 0.3 is usual
TASK_OVERHEAD_SECONDS = 10.0  # a task's process: start, imports with BigQuery's client, reporting back
SKIP_SECONDS = 5.0  # a task that finds nothing due: start and skip, without BigQuery's client
METADATA_SECONDS = 0.3  # reading the table's definition
MERGE_SECONDS = 5.0  # one MERGE, from submission to its end, when it need not queue
VERIFY_SECONDS = 2.0  # the query after it
TASK_MEGABYTES = 250  # resident memory of a task's process, with Google's provider; a batch of 500 takes 50 more

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
START, MIDNIGHT = 10.5, 24.0  # hours in Beijing; WeChat documents portraits, and only those, for yesterday only
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
IN_FLIGHT = 64  # the transfer's max_requests_in_flight
SLICE_BYTES, ROW_BYTES = 300, 10  # on the way to BigQuery, on top of the values of the endpoint's own columns

CALENDAR = [dt.date(2026, 1, 1) + dt.timedelta(days=day) for day in range(365 * 28 + 7)]  # then weekdays recur
WINDOW_SECONDS, DAY_SECONDS = (MIDNIGHT - START) * 3600, 24 * 3600
ENTRIES = tuple(ENDPOINTS.values())


def due(entry: Endpoint, day: dt.date) -> bool:
    """Whether a period of the endpoint ends on ``day``."""
    return entry.window.ending(day) is not None


#: How many periods end a day, on average, by endpoint.
RATES = {entry.name: sum(due(entry, day) for day in CALENDAR) / len(CALENDAR) for entry in ENTRIES}


def a_day(amount: Callable[[Endpoint], float]) -> float:
    """What the periods that end come to on an average day."""
    return sum(RATES[entry.name] * amount(entry) for entry in ENTRIES)


def periods(entry: Endpoint) -> int:
    """How many periods a run loads when one is due."""
    return 1 + len(entry.refresh_offsets)


def calls(entry: Endpoint) -> int:
    """How many calls that takes."""
    return periods(entry) * len(entry.selections)


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


def merges(entry: Endpoint, batch: int) -> int:
    """How many MERGEs a task of so many apps needs, by the bytes and the slices that one holds."""
    own = row_bytes(entry, [column.name for column in entry.columns]) + ROW_BYTES
    slice_bytes = SLICE_BYTES + rows(entry) * own
    return math.ceil(batch * periods(entry) / min(MAX_SLICES, CHUNK_BYTES // slice_bytes))


def statements(entry: Endpoint, layout: Layout) -> int:
    """How many MERGEs an endpoint's tables get when it is due."""
    return layout.tasks * merges(entry, layout.size)


def scanned(entry: Endpoint, apps: int) -> tuple[int, int]:
    """What a MERGE and its verification read if clustering spares nothing: their partitions, all apps' rows."""
    count = periods(entry) * rows(entry) * apps
    return count * row_bytes(entry), count * row_bytes(entry, ("appid", "begin_date", "end_date", "_load_id"))


def billed(entry: Endpoint, apps: int) -> int:
    """What the two bill at most."""
    return sum(max(MINIMUM_BYTES, size) for size in scanned(entry, apps))


def lanes(entry: Endpoint) -> int:
    """How many MERGEs of a table get on at once: those that delete in the same partitions run one after the other."""
    return 1 if entry.refresh_offsets else RUNNING


def load_seconds(entry: Endpoint, batch: int = 1) -> float:
    """How long a task has its slot if its MERGEs need not queue."""
    alone = 1 + math.ceil(calls(entry) / Settings.max_concurrency)  # the first round is for the token
    together = math.ceil(batch * (1 + calls(entry)) / IN_FLIGHT)
    fetch = max(alone, together) * FETCH_SECONDS_PER_CALL
    writing = merges(entry, batch) * (MERGE_SECONDS + VERIFY_SECONDS)
    return TASK_OVERHEAD_SECONDS + METADATA_SECONDS + fetch + writing


def slots_take(layout: Layout, slots: int, entries: Sequence[Endpoint] = ENTRIES) -> float:
    """How long the tasks of a day on which all endpoints load take in so many slots."""
    seconds = [load_seconds(entry, layout.size) for entry in entries]
    return max(layout.tasks * sum(seconds) / slots, *seconds)


def table_takes(entry: Endpoint, layout: Layout) -> float:
    """How long the MERGEs of one table take."""
    return statements(entry, layout) / layout.groups * MERGE_SECONDS / lanes(entry)


def slowest_table_takes(layout: Layout, entries: Sequence[Endpoint] = ENTRIES) -> float:
    """How long the MERGEs of the slowest table take."""
    return max(table_takes(entry, layout) for entry in entries)


LOADS = sum(RATES.values())
AVERAGE_CALLS = a_day(calls)
WORST_CALLS = max(sum(calls(entry) for entry in ENTRIES if due(entry, day)) for day in CALENDAR)
PORTRAITS = tuple(entry for entry in ENTRIES if entry.reach_days is not None)
HIGHEST_PATH = max(sum(calls(entry) for entry in ENTRIES if entry.path == path) for path in {e.path for e in ENTRIES})


def slot_seconds(layout: Layout) -> tuple[float, float]:
    """How long tasks have slots on an average day, and on one on which all endpoints load."""
    skips = (len(ENTRIES) - LOADS) * SKIP_SECONDS
    average = a_day(lambda entry: load_seconds(entry, layout.size)) + skips
    return layout.tasks * average, layout.tasks * sum(load_seconds(entry, layout.size) for entry in ENTRIES)


def limits() -> list[tuple[str, Callable[[Layout], float]]]:
    """Return what one DAG with shared tables and one pool uses up, and how much of it."""
    portrait = ENDPOINTS["user_portrait"]
    return [
        (
            f"one pool of {POOL} slots: portraits, started first, by midnight",
            lambda layout: slots_take(layout, POOL, PORTRAITS) / WINDOW_SECONDS,
        ),
        (f"one pool of {POOL} slots: everything within a day", lambda layout: slots_take(layout, POOL) / DAY_SECONDS),
        (
            "slowest portrait table: by midnight",
            lambda layout: slowest_table_takes(layout, PORTRAITS) / WINDOW_SECONDS,
        ),
        ("slowest table: within a day", lambda layout: slowest_table_takes(layout) / DAY_SECONDS),
        (
            "one scheduler: within a day",
            lambda layout: len(ENTRIES) * layout.tasks / SCHEDULER_TASKS_PER_SECOND / DAY_SECONDS,
        ),
        (
            "bill: a portrait's MERGE within the minimum",
            lambda layout: scanned(portrait, layout.shared)[0] / MINIMUM_BYTES,
        ),
        ("`max_map_length`, if a task makes the list", lambda layout: layout.tasks / MAP_LENGTH),
        ("tokens of a day, if all apps shared one limit", lambda layout: len(ENTRIES) * layout.apps / TOKENS_PER_DAY),
        (
            "tokens of a minute, likewise, one pool",
            lambda layout: tokens_a_minute(layout) / FREQUENT_TOKENS,
        ),
        ("a table's places for MERGEs", lambda layout: min(layout.tasks, POOL) / (RUNNING + QUEUED)),
        ("an app's quota of its busiest path", lambda layout: HIGHEST_PATH / CALLS_PER_DAY),
    ]


def tokens_a_minute(layout: Layout) -> float:
    """How many tokens a full pool asks for."""
    seconds = min(load_seconds(entry, layout.size) for entry in ENTRIES)
    return min(len(ENTRIES) * layout.apps, 60 * POOL * layout.size / seconds)


def passed_at(used: Callable[[Layout], float], batch: int) -> int:
    """Return from how many apps on, so many to a task, more than all of a limit is used."""
    return 1 + bisect.bisect_left(range(1, MANY + 1), True, key=lambda apps: used(Layout(apps, batch)) > 1)
