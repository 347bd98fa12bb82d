"""What the page in Airflow's UI draws, as the extra of asset events: everything the coverage task has found.

An event's extra is read whole whenever the page is opened, so it has to be small. Neighbouring periods and apps are
much alike: columns are run-length-coded, endpoint by endpoint, and the whole is compressed. 100 apps with 13 endpoints
over 400 days take less than :data:`LIMIT`; more apps are spread over several events, each whole for its own apps.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from airflow_provider_wxanalysis.coverage.states import Coverage, Found
from airflow_provider_wxanalysis.periods import Period

#: The most characters of one event's compressed part.
LIMIT = 300 * 1024
#: The version of the form; a page shows only the one it knows.
FORM = 1
#: The most that an app has of days with visits, of days with retention, and of pages.
VISIT_DAYS, COHORTS, PAGES = 90, 35, 10
_APPS_PER_EVENT = 100
_LONGEST_PAGE_PATH = 200
_MINUTES_OF_DAY = 24 * 60
_SHANGHAI = 8 * 60  # ahead of UTC


class App(NamedTuple):
    """A mini program.

    :param appid: its AppID.
    :param name: the name people use for it; empty if the connection has none.
    :param conn_id: the connection it is read with, by which the page finds the mapped task that loaded a period.
    """

    appid: str
    name: str = ""
    conn_id: str = ""


class Page(NamedTuple):
    """A page of the mini program and how often it was seen."""

    path: str
    visits: int
    users: int


class Figures(NamedTuple):
    """Some figures of an app; each may be missing.

    :param visits: by day: users (uv) and page views (pv).
    :param retention: by day: how many new users it had (offset 0), and how many of them came back that many days later.
    :param pages: its top pages, the most visited first.
    """

    visits: Mapping[dt.date, tuple[int | None, int | None]] = {}
    retention: Mapping[dt.date, Mapping[int, int | None]] = {}
    pages: Sequence[Page] = ()


#: By endpoint, app and period.
Slices = Mapping[str, Mapping[str, Mapping[Period, Found]]]


def snapshot(
    destination: str,
    as_of: dt.datetime,
    apps: Sequence[App],
    coverages: Sequence[Coverage],
    slices: Slices,
    figures: Mapping[str, Figures],
    limit: int = LIMIT,
) -> list[dict[str, Any]]:
    """Return the extras of the events that hold a snapshot: one, or several where there are many apps.

    :param destination: the tables it is about, for display.
    :param as_of: aware; when the tables were asked.
    :param apps: the apps, in the order of the page.
    :param coverages: the state of what is expected, endpoint by endpoint.
    :param slices: what is in the tables.
    :param figures: by app, its figures.
    :param limit: the most characters of one event's compressed part.
    """
    batches = (apps[at : at + _APPS_PER_EVENT] for at in range(0, len(apps), _APPS_PER_EVENT))
    packed = [text for batch in batches for text in _pack(batch, coverages, slices, figures, limit)]
    states = Counter(state for coverage in coverages for app in apps for state in coverage.states.get(app.appid, ()))
    head = {"form": FORM, "destination": destination, "as_of": as_of.astimezone(dt.UTC).isoformat(timespec="seconds")}
    counts = {"apps": len(apps), "periods": states.total(), **{str(state): count for state, count in states.items()}}
    return [
        {**head, **counts, "part": part, "parts": len(packed), "packed": text}
        for part, text in enumerate(packed, start=1)
    ]


def unpack(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page reads of an event's extra."""
    content: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(extra["packed"])))
    return content


def _pack(
    apps: Sequence[App], coverages: Sequence[Coverage], slices: Slices, figures: Mapping[str, Figures], limit: int
) -> list[str]:
    own = [slices.get(coverage.endpoint.name, {}).get(app.appid, {}) for coverage in coverages for app in apps]
    origins = _Origins(slice_ for by_period in own for slice_ in by_period.values())
    content = {
        "apps": apps,
        "endpoints": [
            _endpoint(coverage, apps, slices.get(coverage.endpoint.name, {}), origins) for coverage in coverages
        ],
        "dags": origins.dags,
        "runs": origins.runs,
        "tasks": origins.tasks,
        "figures": _figures([figures.get(app.appid, Figures()) for app in apps]),
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    if len(packed) <= limit or len(apps) == 1:
        return [packed]
    half = len(apps) // 2
    return [part for some in (apps[:half], apps[half:]) for part in _pack(some, coverages, slices, figures, limit)]


class _Origins:
    """The tasks that wrote slices. What a run wrote on one day counts as written in the minute of its first slice.

    Number 0 stands for none: no rows, or rows that no load wrote.
    """

    def __init__(self, slices: Iterable[Found]) -> None:
        first: dict[tuple[str, str, int], int] = {}
        tasks: dict[str, int] = {"": 0}
        for slice_ in slices:
            if slice_.loaded_at is None:
                continue
            key, minute = self._key(slice_, slice_.loaded_at)
            first[key] = min(minute, first.get(key, minute))
            tasks.setdefault(slice_.task_id or "", len(tasks))
        self.dags = sorted({dag for dag, _, _ in first})
        # In the order in which they ran, so that neighbouring periods have neighbouring numbers.
        keys = sorted(first, key=lambda key: (key[0], first[key]))
        self._run = {key: number for number, key in enumerate(keys, start=1)}
        self.runs = [[self.dags.index(key[0]), key[1], first[key]] for key in keys]
        self._task = tasks
        self.tasks = list(tasks)

    def run(self, slice_: Found | None) -> int:
        """Return the number of the run that wrote ``slice_``."""
        if slice_ is None or slice_.loaded_at is None:
            return 0
        return self._run[self._key(slice_, slice_.loaded_at)[0]]

    def task(self, slice_: Found | None) -> int:
        """Return the number of the task that wrote ``slice_``."""
        if slice_ is None or slice_.loaded_at is None:
            return 0
        return self._task[slice_.task_id or ""]

    @staticmethod
    def _key(slice_: Found, loaded_at: dt.datetime) -> tuple[tuple[str, str, int], int]:
        minute = int(loaded_at.timestamp()) // 60
        return (slice_.dag_id or "", slice_.run_id or "", (minute + _SHANGHAI) // _MINUTES_OF_DAY), minute


def _endpoint(
    coverage: Coverage, apps: Sequence[App], slices: Mapping[str, Mapping[Period, Found]], origins: _Origins
) -> dict[str, Any]:
    """Return an endpoint's columns, each with an item per app: alike next to alike compresses best."""
    endpoint, periods = coverage.endpoint, coverage.periods
    found = [[slices.get(app.appid, {}).get(period) for period in periods] for app in apps]
    runs = [[origins.run(slice_) for slice_ in own] for own in found]
    return {
        "name": endpoint.name,
        "zh": endpoint.zh,
        "en": endpoint.en,
        "begins": _runs(_steps(period.begin_date for period in periods)),
        "ends": _runs(_steps(period.end_date for period in periods)),
        "states": [_runs(str(state) for state in coverage.states.get(app.appid, ())) for app in apps],
        "rows": [[slice_.rows if slice_ else 0 for slice_ in own] for own in found],  # few of them repeat
        # Differences: a daily load writes the next day in its next run.
        "runs": [_runs(after - before for before, after in itertools.pairwise([0, *own])) for own in runs],
        "tasks": [_runs(origins.task(slice_) for slice_ in own) for own in found],
    }


def _figures(figures: Sequence[Figures]) -> dict[str, Any]:
    """Return the figures' columns, each with an item per app."""
    days = [sorted(own.visits)[-VISIT_DAYS:] for own in figures]
    cohorts = [sorted(own.retention)[-COHORTS:] for own in figures]
    offsets = sorted({offset for own in figures for users in own.retention.values() for offset in users if offset})
    by_app = [*zip(figures, days, cohorts, strict=True)]
    return {
        "days": [_runs(_steps(own)) for own in days],
        "uv": [[own.visits[day][0] for day in days] for own, days, _ in by_app],
        "pv": [[own.visits[day][1] for day in days] for own, days, _ in by_app],
        "offsets": offsets,
        "cohorts": [_runs(_steps(own)) for own in cohorts],
        "users": [[own.retention[day].get(0) for day in cohorts] for own, _, cohorts in by_app],
        "rates": [[_rates(own.retention[day], offsets) for day in cohorts] for own, _, cohorts in by_app],
        "pages": [
            [(page.path[:_LONGEST_PAGE_PATH], page.visits, page.users) for page in own.pages[:PAGES]] for own in figures
        ],
    }


def _rates(users: Mapping[int, int | None], offsets: Sequence[int]) -> list[int | None]:
    """Return per mille of a cohort that came back, for as many of ``offsets`` as are known."""
    size = users.get(0)
    rates = [
        None if not size or (back := users.get(offset)) is None else round(1000 * back / size) for offset in offsets
    ]
    while rates and rates[-1] is None:
        rates.pop()
    return rates


def _steps(days: Iterable[dt.date]) -> Iterator[int]:
    """Yield the first day, counted from 1970, and then how many days later each other one is."""
    epoch = dt.date(1970, 1, 1).toordinal()
    for before, after in itertools.pairwise(itertools.chain((epoch,), (day.toordinal() for day in days))):
        yield after - before


def _runs(values: Iterable[int | str]) -> list[int | str]:
    """Return each value followed by how often it occurs in a row."""
    return [part for value, run in itertools.groupby(values) for part in (value, sum(1 for _ in run))]
