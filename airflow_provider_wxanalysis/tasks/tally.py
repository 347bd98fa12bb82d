"""What a load has found out so far about each period of each app."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType

from airflow_provider_wxanalysis.bigquery.chunks import Key
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.exceptions import Failure
from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.tasks.results import AppResult, LoadResult


class Tally:
    """Filled by a load, and frozen at its end."""

    def __init__(self) -> None:
        self.rows: dict[Key, int] = {}
        self.empty: set[Key] = set()
        self.truncated: set[Key] = set()
        self.kept: list[Key] = []
        self.empty_parts: Counter[str] = Counter()
        self.failures: list[Failure] = []
        self.warnings: list[Failure] = []
        self.waits: defaultdict[AppRef, list[Period]] = defaultdict(list)
        self.load_ids: list[str] = []

    def frozen(self, table: TableName, endpoint: str, load_ids: Iterable[str]) -> LoadResult:
        """Return what came of the load.

        :param table: the table.
        :param endpoint: name of the endpoint.
        :param load_ids: the jobs of this try; those of earlier tries are known.
        """
        apps: defaultdict[str, _App] = defaultdict(_App)
        for (appid, period), rows in sorted(self.rows.items()):
            apps[appid].rows += rows
            apps[appid].periods.append(period)
        for appid, period in sorted(self.empty):
            apps[appid].empty.append(period)
        for appid, period in sorted(self.truncated):
            apps[appid].truncated.append(period)
        return LoadResult(
            table=table,
            endpoint=endpoint,
            load_ids=tuple(dict.fromkeys([*self.load_ids, *load_ids])),
            apps=MappingProxyType({appid: app.frozen() for appid, app in apps.items()}),
            kept=tuple(self.kept),
            empty_parts=MappingProxyType(dict(self.empty_parts)),
            failures=tuple(self.failures),
            waits=MappingProxyType({ref: tuple(sorted(periods)) for ref, periods in self.waits.items()}),
        )


@dataclass
class _App:
    rows: int = 0
    periods: list[Period] = field(default_factory=list)
    empty: list[Period] = field(default_factory=list)
    truncated: list[Period] = field(default_factory=list)

    def frozen(self) -> AppResult:
        return AppResult(self.rows, tuple(self.periods), tuple(self.empty), tuple(self.truncated))
