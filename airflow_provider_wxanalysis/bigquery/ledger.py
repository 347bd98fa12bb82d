"""Two small tables next to the data: what the data tables cannot say.

``weanalysis_empty_periods`` holds the periods that a load accepted as empty, which leave no rows behind. Rows are only
ever inserted, so writers never conflict; readers take each period once. ``weanalysis_apps`` holds the apps' names.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter

from airflow_provider_wxanalysis.bigquery.calls import ONCE, Calls
from airflow_provider_wxanalysis.bigquery.clients import TIMEOUT
from airflow_provider_wxanalysis.bigquery.errors import TRANSPORT_ERRORS, explained, is_contention, is_transient
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.catalogue.columns import LEADING, LOAD, Column
from airflow_provider_wxanalysis.exceptions import DestinationError
from airflow_provider_wxanalysis.periods import Period

Parameter = ScalarQueryParameter | ArrayQueryParameter
log = logging.getLogger(__name__)

EMPTY_PERIODS = "weanalysis_empty_periods"
APPS = "weanalysis_apps"

#: Seconds for which a write is tried again; nothing that is lost is worth a longer wait.
PATIENCE = 60.0
#: The most rows of one INSERT: a row takes some 85 bytes of a request, and BigQuery takes 10 MB.
MAX_ROWS = 20_000

_LOADED_AT, _RUN_ID = (next(c for c in LOAD if c.name == name) for name in ("_loaded_at", "_run_id"))
_APPID, _BEGIN_DATE, _END_DATE = LEADING[:3]
_ENDPOINT = Column(
    "endpoint",
    "STRING",
    "接口名称；性能数据还带所选范围的哈希，同表的标签 weanalysis_endpoint",
    "Name of the endpoint; of performance data with a hash of the selection, as in the label weanalysis_endpoint",
    "REQUIRED",
)
_APP_NAME = Column("app_name", "STRING", "小程序名称", "What people call the mini program")


@dataclass(frozen=True)
class LedgerTable:
    """The definition of one of the tables.

    :param name: the table's name within a dataset.
    :param description: what BigQuery shows.
    :param columns: its columns, in order.
    :param clustering: columns to cluster by.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    clustering: tuple[str, ...]


EMPTY_PERIODS_TABLE = LedgerTable(
    EMPTY_PERIODS,
    "已确认无数据的统计周期 / Periods for which WeChat had nothing, as accepted by a load; rows of the data tables win",
    (_APPID, _ENDPOINT, _BEGIN_DATE, _END_DATE, _LOADED_AT, _RUN_ID),
    ("endpoint", "appid"),
)
APPS_TABLE = LedgerTable(APPS, "小程序名称 / What the mini programs are called", (_APPID, _APP_NAME), ("appid",))

_INSERT_EMPTY = """INSERT INTO `{table}` (appid, endpoint, begin_date, end_date, _loaded_at, _run_id)
SELECT appid, @endpoint, @begin_dates[OFFSET(place)], @end_dates[OFFSET(place)], CURRENT_TIMESTAMP(), @run_id
FROM UNNEST(@appids) AS appid WITH OFFSET AS place"""
_SELECT_EMPTY = """SELECT DISTINCT appid, endpoint, begin_date, end_date FROM `{table}`
WHERE endpoint IN UNNEST(@endpoints) AND appid IN UNNEST(@appids) AND end_date >= @since"""
_MERGE_APPS = """MERGE `{table}` AS T
USING (
  SELECT appid, NULLIF(@app_names[OFFSET(place)], '') AS app_name FROM UNNEST(@appids) AS appid WITH OFFSET AS place
) AS S
ON T.appid = S.appid
WHEN MATCHED AND S.app_name != COALESCE(T.app_name, '') THEN UPDATE SET app_name = S.app_name
WHEN NOT MATCHED THEN INSERT (appid, app_name) VALUES (appid, app_name)"""


@dataclass(frozen=True)
class Ledger:
    """The two tables of one dataset.

    :param client: BigQuery client; its project runs the jobs.
    :param project: project of the dataset.
    :param dataset: the dataset that holds the data tables.
    :param location: the dataset's location, or ``None`` to let BigQuery find it.
    :param labels: labels for jobs.
    :param calls: makes the requests that write.
    """

    client: bigquery.Client
    project: str
    dataset: str
    location: str | None = None
    labels: Mapping[str, str] | None = None
    calls: Calls = field(default_factory=Calls)

    def record_empty(self, endpoint: str, slices: Iterable[tuple[str, Period]], run_id: str) -> None:
        """Record periods of apps that were accepted as empty.

        If BigQuery does not take them, that is a warning: the load itself has succeeded, and the periods are only
        asked for again.

        :param endpoint: the endpoint's label, since what one selection lacks another one may have.
        :param slices: AppID and period of each.
        :param run_id: the Airflow run.
        """
        accepted = list(slices)
        batches: Iterable[list[Parameter]] = (
            [
                ScalarQueryParameter("endpoint", "STRING", endpoint),
                ScalarQueryParameter("run_id", "STRING", run_id),
                ArrayQueryParameter("appids", "STRING", [appid for appid, _ in batch]),
                ArrayQueryParameter("begin_dates", "DATE", [period.begin_date for _, period in batch]),
                ArrayQueryParameter("end_dates", "DATE", [period.end_date for _, period in batch]),
            ]
            for batch in (accepted[at : at + MAX_ROWS] for at in range(0, len(accepted), MAX_ROWS))
        )
        self._write(EMPTY_PERIODS_TABLE, _INSERT_EMPTY, batches, "Empty periods were not recorded")

    def empty_periods(
        self, endpoints: Iterable[str], appids: Iterable[str], since: dt.date
    ) -> dict[str, dict[str, set[Period]]]:
        """Return what is recorded: by endpoint's label and app, the periods that end on ``since`` or later."""
        parameters: list[Parameter] = [
            ArrayQueryParameter("endpoints", "STRING", list(endpoints)),
            ArrayQueryParameter("appids", "STRING", list(appids)),
            ScalarQueryParameter("since", "DATE", since),
        ]
        found: dict[str, dict[str, set[Period]]] = defaultdict(lambda: defaultdict(set))
        with explained("Reading the recorded empty periods"):
            try:
                rows = self._run(_SELECT_EMPTY.format(table=self._table(EMPTY_PERIODS_TABLE)), parameters)
            except NotFound:  # nothing was ever recorded
                return found
        for row in rows:
            found[row["endpoint"]][row["appid"]].add(Period(row["begin_date"], row["end_date"]))
        return found

    def record_names(self, names: Mapping[str, str | None]) -> None:
        """Keep the apps' names; if BigQuery does not take them, that is a warning.

        :param names: name by AppID, ``None`` for an app that has none.
        """
        if not names:
            return
        parameters: list[Parameter] = [
            ArrayQueryParameter("appids", "STRING", list(names)),
            ArrayQueryParameter("app_names", "STRING", [name or "" for name in names.values()]),
        ]
        self._write(APPS_TABLE, _MERGE_APPS, [parameters], "Names of apps were not kept")

    def make_tables(self, present: Collection[str]) -> None:
        """Create those of the two tables that are not among ``present``, for views to read."""
        for table in (EMPTY_PERIODS_TABLE, APPS_TABLE):
            if table.name not in present:
                self._create(table)

    def _create(self, table: LedgerTable, **options: Any) -> None:
        self.client.create_table(self._definition(table), exists_ok=True, timeout=TIMEOUT, **options)

    def _write(self, table: LedgerTable, statement: str, batches: Iterable[Sequence[Parameter]], lost: str) -> None:
        """Run a statement once for each of ``batches``, until BigQuery does not take one."""
        sql = statement.format(table=self._table(table))

        def write(parameters: Sequence[Parameter]) -> None:
            try:
                self._run(sql, parameters, retry=ONCE, job_retry=ONCE)
            except NotFound:
                self._create(table, retry=ONCE)
                self._run(sql, parameters, retry=ONCE, job_retry=ONCE)

        try:
            with explained(f"Writing to {self._table(table)}"):
                for parameters in batches:
                    self.calls.make(functools.partial(write, parameters), worth_repeating=_passes, patience=PATIENCE)
        except (GoogleAPIError, GoogleAuthError, *TRANSPORT_ERRORS, DestinationError) as error:
            log.warning("%s. %s", lost, error)

    def _run(self, statement: str, parameters: Sequence[Parameter], **options: Any) -> list[bigquery.Row]:
        config = bigquery.QueryJobConfig(query_parameters=parameters, labels=dict(self.labels or {}))
        return list(
            self.client.query_and_wait(
                statement, job_config=config, location=self.location, api_timeout=TIMEOUT, **options
            )
        )

    def _table(self, table: LedgerTable) -> TableName:
        return TableName(self.project, self.dataset, table.name)

    def _definition(self, table: LedgerTable) -> bigquery.Table:
        schema = [
            bigquery.SchemaField(column.name, column.type, mode=column.mode, description=column.description)
            for column in table.columns
        ]
        definition = bigquery.Table(str(self._table(table)), schema=schema)
        definition.description = table.description
        definition.clustering_fields = list(table.clustering)
        return definition


def _passes(error: BaseException) -> bool:
    return is_transient(error) or is_contention(error)
