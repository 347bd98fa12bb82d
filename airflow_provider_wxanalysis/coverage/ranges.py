"""What to load again, as ranges of whole periods."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from airflow_provider_wxanalysis.coverage.states import HEALED, Coverage, State
from airflow_provider_wxanalysis.periods import Period


class Range(NamedTuple):
    """Adjoining periods that the same apps lack.

    :param endpoint: the endpoint's name.
    :param appids: the apps, in the order they were given.
    :param from_date: first day of the first period.
    :param to_date: last day of the last one.
    """

    endpoint: str
    appids: tuple[str, ...]
    from_date: dt.date
    to_date: dt.date


def ranges(
    coverages: Iterable[Coverage], limit: int, *, states: Collection[State] = HEALED, together: bool = True
) -> list[Range]:
    """Return what healing has to load, the newest first.

    :param coverages: the states, endpoint by endpoint.
    :param limit: the most ranges to return; the others come up again next time.
    :param states: the states that ranges are made of.
    :param together: whether apps that lack the same share a range; not if each app has a table of its own.
    """
    apps: dict[tuple[str, Period, str], list[str]] = defaultdict(list)
    for coverage in coverages:
        for appid in coverage.states:
            for gap in _gaps(coverage, appid, states):
                apps[coverage.endpoint.name, gap, "" if together else appid].append(appid)
    newest_first = sorted(apps.items(), key=lambda item: (item[0][1].end_date, item[0][1].begin_date), reverse=True)
    return [
        Range(endpoint, tuple(appids), gap.begin_date, gap.end_date)
        for (endpoint, gap, _), appids in itertools.islice(newest_first, limit)
    ]


def _gaps(coverage: Coverage, appid: str, states: Collection[State]) -> Iterator[Period]:
    """Yield the days from the first to the last of each run of periods that are in one of ``states``."""
    pairs = zip(coverage.periods, coverage.states[appid], strict=True)
    for wanted, run in itertools.groupby(pairs, key=lambda pair: pair[1] in states):
        if wanted:
            periods = [period for period, _ in run]
            yield Period(periods[0].begin_date, periods[-1].end_date)
