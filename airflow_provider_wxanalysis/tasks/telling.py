"""The lines that a person reads in a load's log: what it is about to do, what came of it, what it waits for."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.folding import counted, folded, folded_periods
from airflow_provider_wxanalysis.hooks.readiness import agenda
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.tasks.progress import duration
from airflow_provider_wxanalysis.tasks.results import LoadResult


def beginning(endpoint: str, apps: str, table: TableName, due: Sequence[Period], earlier: Sequence[Period]) -> str:
    """Return the first line.

    :param endpoint: name of the endpoint.
    :param apps: the apps, in a few words.
    :param table: where to.
    :param due: periods that are due.
    :param earlier: periods that may be fetched again.
    """
    again = f", and of {counted(len(earlier), 'earlier period')} those that have grown" if earlier else ""
    return f"Loading {endpoint} of {apps} into {table}: {folded_periods(due)}{again}."


def ending(result: LoadResult, seconds: float) -> str:
    """Return the last line.

    :param result: what came of the load.
    :param seconds: how long it took.
    """
    statements = counted(len(result.load_ids), "statement")
    parts = [f"{in_the_table(result).removesuffix('.')}, by {statements}, after {duration(seconds)}"]
    for what, name in (("Empty", "empty_periods"), ("Truncated by WeChat", "truncated_periods")):
        if listed := _by_app(result, name):
            parts.append(f"{what}: {listed}")
    if result.empty_parts:
        nothing = [f"{part} ({counted(periods, 'period')})" for part, periods in result.empty_parts.items()]
        parts.append(f"Nothing for {', '.join(nothing)}")
    return ". ".join(parts) + "."


def per_app(result: LoadResult) -> Iterator[str]:
    """Yield a line for each app whose due periods did not all come with rows.

    :param result: what came of the load.
    """
    lacking: defaultdict[str, defaultdict[str, list[Period]]] = defaultdict(lambda: defaultdict(list))
    for appid, app in result.apps.items():
        if app.empty_periods:
            lacking[appid]["empty"] += app.empty_periods
    for ref, periods in result.waits.items():
        lacking[str(ref)]["not published"] += periods
    for failure in result.failures:
        if isinstance(failure.period, Period):
            lacking[failure.appid][type(failure.error).__name__].append(failure.period)
    for app_name, causes in lacking.items():
        listed = "; ".join(f"{cause}: {folded_periods(periods)}" for cause, periods in causes.items())
        yield f"App {app_name}: {listed}."


def in_the_table(result: LoadResult) -> str:
    """Return what of this run is in the table now."""
    slices = sum(len(app.periods) for app in result.apps.values())
    apps = sum(bool(app.periods) for app in result.apps.values())
    return (
        f"Now in {result.table}: {counted(slices, 'period')} of {counted(apps, 'app')}, {counted(result.rows, 'row')}."
    )


def waiting(result: LoadResult, poll_interval: float, deadline: str) -> str:
    """Return what is said before a wait.

    :param result: what came of the load.
    :param poll_interval: seconds until the next check.
    :param deadline: when the wait ends: an aware time in ISO 8601.
    """
    waits = result.waits
    periods = folded_periods(period for periods in waits.values() for period in periods)
    left = (
        f" {counted(len(result.failures), 'period')} could not be fetched and will be tried again then."
        if result.failures
        else ""
    )
    next_check = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=poll_interval)
    end = dt.datetime.fromisoformat(deadline)
    return (
        f"{result.endpoint} {periods} of {folded(map(str, waits), 3)}: not published. "
        f"{agenda(min(next_check, end), end)}{left}"
    )


def _by_app(result: LoadResult, name: str) -> str:
    found = {appid: getattr(app, name) for appid, app in result.apps.items() if getattr(app, name)}
    if not found:
        return ""
    shown = [f"{folded_periods(periods)} of app {appid}" for appid, periods in islice(found.items(), 3)]
    more = len(found) - len(shown)
    return "; ".join([*shown, f"{more:,} more apps"] if more else shown)
