"""Making views in a dataset."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.clients import TIMEOUT
from airflow_provider_wxanalysis.bigquery.errors import explained
from airflow_provider_wxanalysis.bigquery.ledger import Ledger
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.views.definitions import View


@dataclass(frozen=True)
class ViewMaker:
    """Makes views of one dataset.

    :param client: BigQuery client; its project runs the jobs.
    :param project: project of the dataset.
    :param dataset: the dataset that holds the tables, and will hold the views.
    :param location: where jobs run, or ``None`` to let BigQuery find out.
    :param labels: labels for jobs.
    :param ready_after: how long after a period's end WeChat may take to publish it.
    """

    client: bigquery.Client
    project: str
    dataset: str
    location: str | None
    labels: Mapping[str, str]
    ready_after: dt.timedelta

    def make(self, views: Iterable[View]) -> tuple[list[str], dict[str, str]]:
        """Create or replace ``views``, each of which comes after those that it reads.

        :return: the names of those made, and the reason by name for the others.
        """
        dataset = f"{self.project}.{self.dataset}"
        with explained(f"Making views in {dataset}"):
            present = self._present()
            Ledger(self.client, self.project, self.dataset, self.location, self.labels).make_tables(present)
            made, skipped = [], {}
            config = bigquery.QueryJobConfig(labels=dict(self.labels))
            for view in views:
                if reason := view.obstacle(present):
                    skipped[view.name] = reason
                    present.pop(view.name, None)  # made earlier, it no longer fits what it reads, nor do views of it
                    continue
                statement = view.statement(dataset, present, self.ready_after)
                self.client.query_and_wait(statement, job_config=config, location=self.location, api_timeout=TIMEOUT)
                made.append(view.name)
                present[view.name] = view.columns
        return made, skipped

    def _present(self) -> dict[str, Collection[str]]:
        """Return the tables and views of the dataset, with the columns of those that are named after an endpoint."""
        found: dict[str, Collection[str]] = {}
        for item in self.client.list_tables(bigquery.DatasetReference(self.project, self.dataset), timeout=TIMEOUT):
            found[item.table_id] = ()
            if item.table_id in ENDPOINTS:
                schema = self.client.get_table(item.reference, timeout=TIMEOUT).schema
                found[item.table_id] = {field.name.lower() for field in schema}  # Visit_Total is visit_total
        return found
