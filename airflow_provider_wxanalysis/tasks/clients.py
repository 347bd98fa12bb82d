"""What operators that run statements of their own in BigQuery share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from airflow_provider_wxanalysis.bigquery.accounts import check_impersonation
from airflow_provider_wxanalysis.bigquery.labels import check_labels
from airflow_provider_wxanalysis.tasks.arguments import is_literal

if TYPE_CHECKING:
    from google.cloud import bigquery


class BigQueryClientMixin:
    """A client made from an operator's arguments, which its constructor stores."""

    gcp_conn_id: str | None
    project_id: str | None
    location: str | None
    impersonation_chain: str | Sequence[str] | None
    labels: Mapping[str, str] | None

    def check_client_arguments(self) -> None:
        """Refuse what cannot work of these arguments.

        :raises ConfigurationError: naming the argument.
        """
        check_labels(self.labels)
        if is_literal(self.impersonation_chain):
            check_impersonation(self.gcp_conn_id, self.impersonation_chain)

    @contextmanager
    def bigquery_client(self, fallback_project: str) -> Iterator[bigquery.Client]:
        """Open a client and close it after use.

        :param fallback_project: project that runs the jobs if neither the arguments nor the connection name one.
        """
        # Here and not above: DAG files import this module, and Google's client is slow to import.
        from airflow_provider_wxanalysis.bigquery.clients import bigquery_client

        client = bigquery_client(
            gcp_conn_id=self.gcp_conn_id,
            project_id=self.project_id,
            fallback_project=fallback_project,
            location=self.location,
            impersonation_chain=self.impersonation_chain,
        )
        with closing(client):
            yield client
