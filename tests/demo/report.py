"""Reading the demo's tables back and printing them."""

from __future__ import annotations

from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from airflow_provider_wxanalysis.catalogue.columns import LOAD

Rows = list[dict[str, Any]]
_SHOWN_ROWS = 3
_WIDTH = 150


class Warehouse:
    """The demo's dataset.

    :param url: BigQuery's address.
    :param dataset: ``project.dataset``; created here.
    """

    def __init__(self, url: str, dataset: str) -> None:
        self.dataset = dataset
        options = {"api_endpoint": url}
        project = dataset.split(".")[0]
        self.client = bigquery.Client(project, credentials=AnonymousCredentials(), client_options=options)
        self.client.create_dataset(dataset)

    def contents(self) -> dict[str, Rows]:
        """Return all rows of all tables, without load columns, in a fixed order."""
        load_columns = {column.name for column in LOAD}
        tables = {}
        for table in self.client.list_tables(self.dataset):
            found = self.client.query_and_wait(f"SELECT * FROM `{self.dataset}.{table.table_id}`")
            rows = [{name: value for name, value in row.items() if name not in load_columns} for row in found]
            tables[table.table_id] = sorted(rows, key=lambda row: [str(value) for value in row.values()])
        return tables

    def show(self, tables: dict[str, Rows]) -> None:
        """Print each table's size and its latest rows."""
        for name, rows in sorted(tables.items()):
            apps = len({row["appid"] for row in rows})
            first, last = min(row["begin_date"] for row in rows), max(row["end_date"] for row in rows)
            print(f"\n  {name}: {len(rows):,} rows of {apps} app(s), {first} to {last}")
            latest = [row for row in rows if row["end_date"] == last][:_SHOWN_ROWS]
            for row in latest:
                print(f"    {_line(row)}")


def _line(row: dict[str, Any]) -> str:
    hidden = ("end_date", "ref_date", "_extra")
    text = "  ".join(f"{name}={value}" for name, value in row.items() if name not in hidden and value is not None)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
