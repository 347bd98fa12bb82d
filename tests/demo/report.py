"""Reading the demo's tables back through Google's client, and printing them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.ledger import EMPTY_PERIODS
from airflow_provider_wxanalysis.catalogue.columns import LOAD
from airflow_provider_wxanalysis.endpoints import ENDPOINTS

Rows = list[dict[str, Any]]
#: (AppID, day) -> whether it is loaded; ``False`` if it was accepted as empty. Days that are not there are missing.
Calendar = dict[tuple[str, dt.date], bool]
_SHOWN_ROWS = 3
_WIDTH = 150
_LOAD_COLUMNS = {column.name for column in LOAD}


class Warehouse:
    """The demo's dataset.

    :param url: BigQuery's address.
    :param dataset: ``project.dataset``; created if it is missing.
    """

    def __init__(self, url: str, dataset: str) -> None:
        self.dataset = dataset
        options = {"api_endpoint": url}
        project = dataset.split(".")[0]
        self.client = bigquery.Client(project, credentials=AnonymousCredentials(), client_options=options)
        self.client.create_dataset(dataset, exists_ok=True)

    def query(self, sql: str) -> Rows:
        """Return a query's rows."""
        return [dict(row) for row in self.client.query_and_wait(sql)]

    def tables(self) -> list[str]:
        """Return the endpoints that have a table, in the catalogue's order."""
        present = {table.table_id for table in self.client.list_tables(self.dataset)}
        return [name for name in ENDPOINTS if name in present]

    def contents(self, *tables: str) -> dict[str, Rows]:
        """Return all rows of some tables, or of all, without load columns, in an order fit for reading."""
        return {table: self._rows(table) for table in tables or self.tables()}

    def views(self, *names: str) -> dict[str, Rows]:
        """Return all rows of some views of the package."""
        return {name: self.query(f"SELECT * FROM `{self.dataset}.{name}`") for name in names}

    def calendar(self, table: str) -> Calendar:
        """Return what a table of a daily endpoint covers."""
        empty = self.query(
            f"SELECT DISTINCT appid, begin_date FROM `{self.dataset}.{EMPTY_PERIODS}` WHERE endpoint = '{table}'"
        )
        loaded = self.query(f"SELECT DISTINCT appid, begin_date FROM `{self.dataset}.{table}`")
        return {(row["appid"], row["begin_date"]): rows is loaded for rows in (empty, loaded) for row in rows}

    def delete(self, table: str, appid: str, day: dt.date) -> None:
        """Delete an app's day, as happens by mistake."""
        where = f"appid = '{appid}' AND begin_date = '{day}'"
        self.client.query_and_wait(f"DELETE FROM `{self.dataset}.{table}` WHERE {where}")

    def show(self, tables: dict[str, Rows]) -> None:
        """Print each table's size and its latest rows."""
        for name, rows in tables.items():
            apps = len({row["appid"] for row in rows})
            first, last = min(row["begin_date"] for row in rows), max(row["end_date"] for row in rows)
            print(f"\n  {name}: {len(rows):,} rows of {apps} app(s), {first} to {last}")
            for row in [row for row in rows if row["end_date"] == last][:_SHOWN_ROWS]:
                print(f"    {_line(row)}")

    def _rows(self, table: str) -> Rows:
        order = [column.name for column in ENDPOINTS[table].columns if column.key or column.name == "page_rank"]
        columns = ", ".join(["appid", "begin_date", "end_date", *order])
        rows = self.query(f"SELECT * FROM `{self.dataset}.{table}` ORDER BY {columns}")
        return [{name: value for name, value in row.items() if name not in _LOAD_COLUMNS} for row in rows]


def _line(row: dict[str, Any]) -> str:
    hidden = ("end_date", "ref_date", "_extra")
    text = "  ".join(f"{name}={value}" for name, value in row.items() if name not in hidden and value is not None)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
