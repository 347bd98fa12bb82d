"""What a finished load came to, frozen: for XCom, asset events, lineage and the log alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.exceptions import Failure
from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.periods import Period


@dataclass(frozen=True)
class AppResult:
    """What one app has in the table after a load.

    :param rows: rows of the periods loaded.
    :param periods: periods whose rows were loaded.
    :param empty_periods: periods without rows, past the time by which WeChat publishes.
    :param truncated_periods: those of ``periods`` with as many rows as WeChat gives at most.
    """

    rows: int = 0
    periods: tuple[Period, ...] = ()
    empty_periods: tuple[Period, ...] = ()
    truncated_periods: tuple[Period, ...] = ()

    @property
    def summary(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {
            "rows": self.rows,
            "periods": [str(period) for period in self.periods],
            "empty_periods": [str(period) for period in self.empty_periods],
            "truncated_periods": [str(period) for period in self.truncated_periods],
        }


@dataclass(frozen=True)
class LoadResult:
    """What a load came to.

    :param table: the table.
    :param endpoint: name of the endpoint.
    :param load_ids: BigQuery jobs that wrote what is loaded.
    :param apps: by AppID what is in the table.
    :param kept: due periods left as they are in the table, since the new figures are not to be believed.
    :param empty_parts: what came without rows, such as a module of performance data, and in how many periods.
    :param failures: due periods that could not be fetched.
    :param waits: due periods that WeChat has not published yet and that the task can wait for.
    """

    table: TableName
    endpoint: str
    load_ids: tuple[str, ...] = ()
    apps: Mapping[str, AppResult] = field(default_factory=dict)
    kept: tuple[tuple[str, Period], ...] = ()
    empty_parts: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    waits: Mapping[AppRef, tuple[Period, ...]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all apps."""
        return sum(app.rows for app in self.apps.values())

    @property
    def periods(self) -> list[Period]:
        """The periods loaded, of any app, in order."""
        return sorted({period for app in self.apps.values() for period in app.periods})

    @property
    def summary(self) -> dict[str, Any]:
        """What the operator returns: ready for JSON, and without the rows."""
        return {
            "table": str(self.table),
            "endpoint": self.endpoint,
            "rows": self.rows,
            "load_ids": list(self.load_ids),
            "apps": {appid: app.summary for appid, app in self.apps.items()},
        }
