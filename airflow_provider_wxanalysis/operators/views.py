"""Views that answer the questions people ask of these tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_provider_wxanalysis.bigquery.names import dataset_name
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.hooks.readiness import EMPTY_IS_READY_AFTER, check_empty_is_ready_after
from airflow_provider_wxanalysis.links.views import LookerStudioLink
from airflow_provider_wxanalysis.tasks.base import fail_for_good, is_literal
from airflow_provider_wxanalysis.tasks.clients import BigQueryClientMixin
from airflow_provider_wxanalysis.views.definitions import NAMES, view

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class WeAnalysisViewsOperator(BigQueryClientMixin, BaseOperator):
    """Create or replace the ``report_*`` views of a dataset, every view and column described in Chinese and English.

    The tables must be named after their endpoints. A view that reads tables or columns which do not exist is skipped;
    one that combines similar tables, such as retention by day, week and month, is made from those that do.

    .. seealso:: https://cloud.google.com/bigquery/docs/views

    :param destination: ``project.dataset`` of tables and views. (templated)
    :param views: names of views; by default all.
    :param empty_is_ready_after: how long after the midnight (Asia/Shanghai) that ends a period ``report_coverage``
        counts it as pending.
    :param gcp_conn_id: Google Cloud connection, for which the Google provider must be installed; ``None`` uses the
        worker's own credentials (or anonymous ones where ``BIGQUERY_EMULATOR_HOST`` is set). (templated)
    :param project_id: project that runs the jobs; by default the connection's own, else the dataset's. (templated)
    :param location: where the jobs run; by default where the dataset is. (templated)
    :param impersonation_chain: service account, or chain of them, to act as. (templated)
    :param labels: labels for jobs.
    :return: ``dataset``, ``views`` (those made) and ``skipped`` (the others, with the reason).
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if none could be made.
    :raises AirflowFailException: if BigQuery refuses for good.
    :raises WeAnalysisError: if a retry may help.
    """

    template_fields: Sequence[str] = ("destination", "gcp_conn_id", "project_id", "location", "impersonation_chain")
    operator_extra_links = (LookerStudioLink(),)
    ui_color = "#eee0f5"

    def __init__(
        self,
        *,
        destination: str = "{{ var.value.weanalysis_dataset }}",
        views: Sequence[str] = NAMES,
        empty_is_ready_after: dt.timedelta = EMPTY_IS_READY_AFTER,
        gcp_conn_id: str | None = "google_cloud_default",
        project_id: str | None = None,
        location: str | None = None,
        impersonation_chain: str | Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.views = views
        self.empty_is_ready_after = empty_is_ready_after
        self.gcp_conn_id = gcp_conn_id
        self.project_id = project_id
        self.location = location
        self.impersonation_chain = impersonation_chain
        self.labels = labels
        self._check_literals()

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the views."""
        # Here and not above: DAG files import this module, and Google's client is slow to import.
        from airflow_provider_wxanalysis.bigquery.views import ViewMaker

        with fail_for_good():
            project, dataset = dataset_name(self.destination)
            with self.bigquery_client(fallback_project=project) as client:
                maker = ViewMaker(client, project, dataset, self.location, self.labels or {}, self.empty_is_ready_after)
                made, skipped = maker.make([view(name) for name in NAMES if name in self.views])
        for name, reason in skipped.items():
            self.log.info("Skipped %s: %s", name, reason)
        if not made:
            raise AirflowSkipException(
                f"No view could be made in {self.destination}: the tables or columns that they read do not exist yet."
            )
        self.log.info("Made in %s: %s", self.destination, ", ".join(made))
        return {"dataset": f"{project}.{dataset}", "views": made, "skipped": skipped}

    def _check_literals(self) -> None:
        if isinstance(self.views, str):
            raise ConfigurationError(f"views must be a list of names, got {self.views!r}.")
        for name in self.views:
            view(name)
        if is_literal(self.destination):
            dataset_name(self.destination)
        check_empty_is_ready_after(self.empty_is_ready_after)
        self.check_client_arguments()
