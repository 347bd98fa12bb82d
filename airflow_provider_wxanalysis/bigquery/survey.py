"""What the tables hold, asked with one query per table for all apps."""

from __future__ import annotations

import datetime as dt
import functools
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter

from airflow_provider_wxanalysis.bigquery.clients import TIMEOUT
from airflow_provider_wxanalysis.bigquery.errors import explained
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.bigquery.tables import check_table, missing_columns
from airflow_provider_wxanalysis.coverage.states import Found
from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.periods import Period

log = logging.getLogger(__name__)

# Columns are aliased, since the table may spell them with capitals.
_CONTENTS = """SELECT appid AS appid, begin_date AS begin_date, end_date AS end_date,
  COUNT(*) AS row_count, COUNT(DISTINCT _load_id) AS loads,
  MAX(_loaded_at) AS loaded_at, MAX(_dag_id) AS dag_id, MAX(_run_id) AS run_id, MAX(_task_id) AS task_id,
  {offsets} AS offsets, {figures} AS figures
FROM {source}
WHERE appid IN UNNEST(@appids) AND begin_date >= @since
GROUP BY appid, begin_date, end_date"""
_OFFSETS = "STRING_AGG(DISTINCT CAST(period_offset AS STRING))"
_NOTHING = "CAST(NULL AS STRING)"

#: Figures that are read along the way, for the UI page: which rows, which columns, of how many days.
_FIGURES = {
    "daily_visit_trend": ("TRUE", "visit_uv, visit_pv", 90),
    "daily_retain": ("cohort = 'visit_uv_new'", "period_offset, users", 60),
    "visit_page": ("page_rank <= 10", "page_rank, page_path, page_visit_pv, page_visit_uv", 8),
}

_SLICE_HASHES = """SELECT appid AS appid, begin_date AS begin_date, end_date AS end_date, MAX(_loaded_at) AS loaded_at,
    BIT_XOR(FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({columns})))) AS hash
  FROM {source} WHERE appid IN UNNEST(@appids) AND begin_date >= @since GROUP BY appid, begin_date, end_date"""
_REVISIONS = """WITH fresh AS (
  {fresh}
), earlier AS (
  {earlier}
)
SELECT fresh.appid, fresh.begin_date, fresh.end_date, fresh.hash != earlier.hash AS changed
FROM fresh JOIN earlier USING (appid, begin_date, end_date) WHERE fresh.loaded_at > earlier.loaded_at"""
#: Of retention only the offsets that were there before: that others come is growth, not a revision.
_KNOWN_OFFSETS = """(
    SELECT * FROM `{table}` JOIN (
      SELECT DISTINCT appid, begin_date, end_date, cohort, period_offset
      FROM `{table}` FOR SYSTEM_TIME AS OF TIMESTAMP '{then}'
    ) USING (appid, begin_date, end_date, cohort, period_offset)
  )"""

QUALITY_VIEW = "report_quality"
_SUSPICIOUS = """SELECT rule, COUNT(*) AS times, MIN(begin_date) AS first, MAX(begin_date) AS last,
  COUNT(DISTINCT appid) AS apps
FROM `{view}` WHERE suspicious AND appid IN UNNEST(@appids) AND begin_date >= @since
GROUP BY rule ORDER BY times DESC, rule"""

Rows = list[dict[str, Any]]


@dataclass
class Contents:
    """What one table holds of the apps.

    :param found: by app and period, what each slice holds; every app asked for has an entry.
    :param figures: by app and period, the rows that a page draws.
    """

    found: dict[str, dict[Period, Found]]
    figures: dict[str, dict[Period, Rows]] = field(default_factory=lambda: defaultdict(dict))


@dataclass(frozen=True)
class Survey:
    """Questions to tables; none of them changes anything.

    :param client: BigQuery client; its project runs the jobs.
    :param location: where jobs run, or ``None`` to let BigQuery find out.
    :param labels: labels for jobs.
    """

    client: bigquery.Client
    location: str | None
    labels: Mapping[str, str]

    def contents(self, table: TableName, endpoint: Endpoint, appids: Sequence[str], since: dt.date) -> Contents:
        """Return what a table holds of ``appids`` in periods that begin on ``since`` or later.

        A missing table holds nothing, and a missing column NULL.

        :raises DestinationError: if the table could not be loaded into either.
        """
        contents = Contents({appid: {} for appid in appids})

        def ask(source: str) -> Iterable[Any] | None:
            offsets = _OFFSETS if endpoint.refresh_offsets else _NOTHING
            statement = _CONTENTS.format(source=source, offsets=offsets, figures=_figures(endpoint))
            return self._query(f"Reading {table}", statement, appids, since, table)

        try:
            rows = ask(f"`{table}`")
        except BadRequest:
            source = self._widened(table, endpoint)  # a table that a user has made may lack columns until a load
            if source is None:
                raise
            rows = ask(source)
        if rows is None:
            log.info("Table %s does not exist yet: everything counts as missing.", table)
            return contents
        period = functools.lru_cache(None)(Period)  # the same for all apps
        for row in rows:
            key = period(row.begin_date, row.end_date)
            contents.found[row.appid][key] = Found(
                row.row_count,
                row.loads,
                row.loaded_at,
                _offsets(row.offsets),
                _interned(row.dag_id),
                _interned(row.run_id),
                _interned(row.task_id),
            )
            if row.figures:
                contents.figures[row.appid][key] = [json.loads(line) for line in row.figures.split("\n")]
        return contents

    def revisions(
        self, table: TableName, endpoint: Endpoint, appids: Sequence[str], since: dt.date, then: dt.datetime
    ) -> dict[tuple[str, Period], bool]:
        """Return, for each slice loaded again since ``then``, whether its figures changed.

        :param then: aware, within the seven days of BigQuery's time travel.
        """
        own = ", ".join(column.name for column in endpoint.columns if "label" not in column.name)
        at = then.astimezone(dt.UTC).isoformat(sep=" ", timespec="microseconds")
        maturing = _KNOWN_OFFSETS.format(table=table, then=at) if endpoint.refresh_offsets else f"`{table}`"
        past = f"`{table}` FOR SYSTEM_TIME AS OF TIMESTAMP '{at}'"
        statement = _REVISIONS.format(
            fresh=_SLICE_HASHES.format(columns=own, source=maturing),
            earlier=_SLICE_HASHES.format(columns=own, source=past),
        )
        try:
            rows = self._query(f"Reading the past of {table}", statement, appids, since, table)
        except BadRequest as error:  # the table, or its history, does not go back so far
            log.info("What %s held at %s cannot be read: %s", table, at, error.message)
            return {}
        return {(row.appid, Period(row.begin_date, row.end_date)): row.changed for row in rows or ()}

    def suspicious(self, dataset: str, appids: Sequence[str], since: dt.date) -> Iterable[Any] | None:
        """Return by rule how often figures do not agree, according to the view ``report_quality``.

        :return: rows of rule, times, first, last, apps; ``None`` if there is no such view.
        """
        view = TableName(*f"{dataset}.{QUALITY_VIEW}".rsplit(".", 2))
        return self._query(f"Reading {view}", _SUSPICIOUS.format(view=view), appids, since, view)

    def _query(
        self, doing: str, statement: str, appids: Sequence[str], since: dt.date, table: TableName
    ) -> Iterable[Any] | None:
        """Run a query with the parameters ``appids`` and ``since``; return ``None`` if ``table`` does not exist."""
        parameters = [
            ArrayQueryParameter("appids", "STRING", list(appids)),
            ScalarQueryParameter("since", "DATE", since),
        ]
        config = bigquery.QueryJobConfig(query_parameters=parameters, labels=dict(self.labels))
        with explained(doing):
            try:
                rows: Iterable[Any] = self.client.query_and_wait(
                    statement, job_config=config, location=self.location, api_timeout=TIMEOUT
                )
            except NotFound:
                if self._exists(table):  # then the job ran in the wrong location, which says nothing about the table
                    raise
                return None
            return rows

    def _widened(self, table: TableName, endpoint: Endpoint) -> str | None:
        """Return what to read instead of a table that lacks columns; ``None`` if it has them all."""
        with explained(f"Reading {table}"):
            found = self.client.get_table(str(table), timeout=TIMEOUT)
        check_table(found, endpoint)
        missing = ", ".join(
            f"CAST(NULL AS {column.type}) AS {column.name}"
            for column in missing_columns(found, endpoint)
            if column.type != "JSON"  # nothing reads it
        )
        return f"(SELECT *, {missing} FROM `{table}`)" if missing else None

    def _exists(self, table: TableName) -> bool:
        try:
            self.client.get_table(str(table), timeout=TIMEOUT)
        except NotFound:
            return False
        return True


def _figures(endpoint: Endpoint) -> str:
    if endpoint.name not in _FIGURES:
        return _NOTHING
    which, columns, days = _FIGURES[endpoint.name]
    recent = f"begin_date >= DATE_SUB(CURRENT_DATE('Asia/Shanghai'), INTERVAL {days} DAY)"
    named = ", ".join(f"{column} AS {column}" for column in columns.split(", "))
    return f"STRING_AGG(IF({which} AND {recent}, TO_JSON_STRING(STRUCT({named})), NULL), '\\n')"


@functools.lru_cache(1024)
def _offsets(text: str | None) -> frozenset[int]:
    return frozenset(map(int, text.split(","))) if text else frozenset()


@functools.lru_cache(65536)
def _interned(text: str | None) -> str | None:
    """Return one object for equal texts: hundreds of thousands of rows share a few ids."""
    return text
