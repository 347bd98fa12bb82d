"""Long lists in few words: five hundred apps or two years of days as a person wants to read them. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from airflow_provider_wxanalysis.periods import Period

_DAY = dt.timedelta(days=1)
#: From this many adjoining periods on, only the first and the last are named.
_RUN = 3
_SHOWN = 5


def folded(names: Iterable[str], shown: int = _SHOWN) -> str:
    """Return names separated by commas; of many the first ``shown`` and how many more there are."""
    named = list(names)
    more = len(named) - shown
    return ", ".join(named) if more <= 1 else f"{', '.join(named[:shown])} and {more:,} more"


def folded_periods(periods: Iterable[Period], shown: int = _SHOWN) -> str:
    """Return periods in order, runs of adjoining ones as ``first to last (n periods)``."""
    runs: list[list[Period]] = []
    for period in sorted(set(periods)):
        if runs and runs[-1][-1].end_date in (period.begin_date - _DAY, period.end_date - _DAY):
            runs[-1].append(period)
        else:
            runs.append([period])
    return folded((text for run in runs for text in _run(run)), shown)


def counted(count: int, noun: str) -> str:
    """Return a number and a noun, such as ``1 row`` and ``1,234 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _run(run: Sequence[Period]) -> list[str]:
    if len(run) < _RUN:
        return [str(period) for period in run]
    return [f"{run[0].begin_date} to {run[-1].end_date} ({len(run)} periods)"]
