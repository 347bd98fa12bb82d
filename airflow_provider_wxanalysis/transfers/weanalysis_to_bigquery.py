"""From WeChat into BigQuery, slice by slice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator

from airflow_provider_wxanalysis.destinations import TableName, table_name
from airflow_provider_wxanalysis.exceptions import ConfigurationError, EmptyReportError
from airflow_provider_wxanalysis.readiness import EMPTY_IS_READY_AFTER, check_empty_is_ready_after, may_still_come
from airflow_provider_wxanalysis.runs import earlier_periods, is_backfill, lookback_offsets
from airflow_provider_wxanalysis.tasks import EndpointTask, fail_for_good, is_literal

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_wxanalysis.bigquery.jobs import Jobs
    from airflow_provider_wxanalysis.bigquery.slices import Slices
    from airflow_provider_wxanalysis.bigquery.statements import Slice
    from airflow_provider_wxanalysis.periods import Period

ON_EMPTY = ("fail", "skip", "replace")


class WeAnalysisToBigQueryOperator(EndpointTask, BaseOperator):
    """Load one endpoint of one mini program into a BigQuery table.

    A load replaces exactly its slices: what the app has of each period. Afterwards they hold the rows WeChat sent,
    once; every other row is untouched, other apps' included; a crash leaves a slice old or new, never mixed. Running it
    again changes nothing but the load columns. The table is created when missing.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/
    .. seealso:: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement

    :param endpoint: name of the endpoint, a key of :data:`~airflow_provider_wxanalysis.endpoints.ENDPOINTS`.
    :param destination_project_dataset_table: ``project.dataset.table``; ``{appid}`` and ``{endpoint}`` are filled in
        after templates are rendered. (templated)
    :param weanalysis_conn_id: Airflow connection of type ``weanalysis``. (templated)
    :param gcp_conn_id: Google Cloud connection, for which the Google provider must be installed; ``None`` uses the
        worker's own credentials (or anonymous ones where ``BIGQUERY_EMULATOR_HOST`` is set). (templated)
    :param project_id: project that runs the jobs; by default the connection's own, else the table's. (templated)
    :param location: where to make a missing dataset; jobs run where the dataset is. (templated)
    :param impersonation_chain: service account, or chain of them, to act as. (templated)
    :param endpoint_options: what the endpoint's own operator takes, such as ``{"modules": ["10022"]}``.
    :param from_date: first day to load instead of the run's interval, ``YYYY-MM-DD`` or ``YYYYMMDD``. (templated)
    :param to_date: last day, inclusive; the two make up whole periods. (templated)
    :param lookback: how many earlier periods to load again, or which offsets, such as ``[1, 7]``. By default those in
        which the endpoint's figures still grow, but none for explicit dates and in backfill runs.
    :param on_empty: what an empty reply means. ``fail``: an error for Airflow's retries while WeChat may still publish;
        later, accepted where the slice is empty too. ``skip``: leave the slice alone. ``replace``: empty the slice.
    :param empty_is_ready_after: how long after the midnight (Asia/Shanghai) that ends a period an empty reply counts as
        "no traffic" and no longer as "not yet"; by default 15 hours.
    :param create_dataset: whether to make a missing dataset.
    :param labels: labels for jobs, and for the table if it is made here.
    :param encryption_configuration: ``{"kmsKeyName": …}`` for the table if it is made here.
    :return: ``table``, ``appid``, ``endpoint``, ``periods``, ``empty_periods``, ``rows``, ``load_ids``.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if no period is due, or all are empty and ``on_empty`` is ``skip``.
    :raises AirflowFailException: if no retry can mend what went wrong.
    :raises WeAnalysisError: if a retry may mend it.
    """

    template_fields: Sequence[str] = (
        *EndpointTask.endpoint_template_fields,
        "destination_project_dataset_table",
        "gcp_conn_id",
        "project_id",
        "location",
        "impersonation_chain",
    )
    ui_color = "#d9f2e2"

    def __init__(
        self,
        *,
        endpoint: str,
        destination_project_dataset_table: str,
        weanalysis_conn_id: str = "weanalysis_default",
        gcp_conn_id: str | None = "google_cloud_default",
        project_id: str | None = None,
        location: str | None = None,
        impersonation_chain: str | Sequence[str] | None = None,
        endpoint_options: Mapping[str, Any] | None = None,
        from_date: str | None = None,
        to_date: str | None = None,
        lookback: int | Sequence[int] | None = None,
        on_empty: Literal["fail", "skip", "replace"] = "fail",
        empty_is_ready_after: dt.timedelta = EMPTY_IS_READY_AFTER,
        create_dataset: bool = False,
        labels: Mapping[str, str] | None = None,
        encryption_configuration: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.endpoint = endpoint
        self.destination_project_dataset_table = destination_project_dataset_table
        self.weanalysis_conn_id = weanalysis_conn_id
        self.gcp_conn_id = gcp_conn_id
        self.project_id = project_id
        self.location = location
        self.impersonation_chain = impersonation_chain
        self.endpoint_options = endpoint_options
        self.from_date = from_date
        self.to_date = to_date
        self.lookback = lookback
        self.on_empty = on_empty
        self.empty_is_ready_after = empty_is_ready_after
        self.create_dataset = create_dataset
        self.labels = labels
        self.encryption_configuration = encryption_configuration
        self._jobs: Jobs | None = None
        self.check_literals()

    def check_literals(self) -> None:
        """Refuse what cannot work, as far as it is known before templates are rendered."""
        super().check_literals()
        lookback_offsets(self.lookback)
        check_empty_is_ready_after(self.empty_is_ready_after)
        if self.on_empty not in ON_EMPTY:
            raise ConfigurationError(f"on_empty={self.on_empty!r} is unknown; choose one of {', '.join(ON_EMPTY)}.")
        if is_literal(self.destination_project_dataset_table):
            self._table(appid="appid")

    def execute(self, context: Context) -> dict[str, Any]:
        """Load the periods that the run owes."""
        with fail_for_good():
            due = self.due_periods(context)
            earlier = self._earlier(due, context)
            slices = self._slices(context)
            return self._load(slices, due, earlier)

    def on_kill(self) -> None:
        """Cancel the BigQuery job that is running."""
        if self._jobs is not None:
            self._jobs.cancel()

    def _load(self, slices: Slices, due: list[Period], earlier: list[Period]) -> dict[str, Any]:
        from airflow_provider_wxanalysis.bigquery.statements import encode, pack

        empty: list[Period] = []
        rows_loaded = 0

        def fetched() -> Iterator[Slice]:
            nonlocal rows_loaded
            for period, rows in self.hook.fetch_many(self.entry, sorted([*due, *earlier])):
                rows_loaded += len(rows)
                if not rows:
                    empty.append(period)
                if rows or self.on_empty == "replace":
                    yield encode(self.entry, period, rows)

        for chunk in pack(fetched()):
            slices.replace(chunk)
        self._settle(slices, [period for period in empty if period in due])
        if self.on_empty == "skip" and len(empty) == len(due) + len(earlier):
            raise AirflowSkipException(
                f"{self.endpoint}: every period was empty ({_listed(empty)}); nothing was changed."
            )
        summary = {
            "table": str(slices.table),
            "appid": slices.appid,
            "endpoint": self.entry.name,
            "periods": [str(period) for period in sorted([*due, *earlier])],
            "empty_periods": [str(period) for period in empty],
            "rows": rows_loaded,
            "load_ids": slices.load_ids,
        }
        self.log.info("Loaded %s", summary)
        return summary

    def _settle(self, slices: Slices, empty: list[Period]) -> None:
        """Decide what the empty replies for due periods mean, after all others are safely in the table."""
        if not empty or self.on_empty != "fail":
            return
        where = f"{self.entry.name} of app {slices.appid}"
        early = [period for period in empty if may_still_come(period, self.empty_is_ready_after)]
        if early:
            raise EmptyReportError(
                f"{where}: empty for {_listed(early)}, which may mean that WeChat has not published yet; ask again "
                f"after {early[-1].closes_at + self.empty_is_ready_after:%Y-%m-%d %H:%M} Asia/Shanghai. All other "
                "periods of this run are loaded.",
                retryable=True,
            )
        full = [period for period, found in slices.contents(empty).items() if found.rows]
        if full:
            raise EmptyReportError(
                f"{where}: empty for {_listed(full)}, for which the table holds rows; they were left alone. Set "
                "on_empty='replace' to remove them, or 'skip' to keep them.",
                retryable=False,
            )
        self.log.info("%s: no traffic in %s.", where, _listed(empty))

    def _earlier(self, due: list[Period], context: Context) -> list[Period]:
        if self.entry.latest_only:
            return []
        offsets = lookback_offsets(self.lookback)
        if self.lookback is None and not self.from_date and not is_backfill(context):
            offsets = self.entry.refresh_offsets
        return earlier_periods(self.entry.window, due, offsets)

    def _slices(self, context: Context) -> Slices:
        # Here and not above: DAG files import this module, and Google's client is slow to import.
        from airflow_provider_wxanalysis.bigquery.clients import bigquery_client
        from airflow_provider_wxanalysis.bigquery.jobs import Jobs, TaskInstance
        from airflow_provider_wxanalysis.bigquery.slices import Slices
        from airflow_provider_wxanalysis.bigquery.tables import prepare_table

        name = self._table(appid=self.hook.appid)
        client = bigquery_client(
            gcp_conn_id=self.gcp_conn_id,
            project_id=self.project_id,
            fallback_project=name.project,
            location=self.location,
            impersonation_chain=self.impersonation_chain,
        )
        table = prepare_table(
            client,
            name,
            self.entry,
            create_dataset=self.create_dataset,
            location=self.location,
            labels=self.labels or {},
            encryption_configuration=self.encryption_configuration,
        )
        ti = context["ti"]
        instance = TaskInstance(ti.dag_id, ti.run_id, ti.task_id, ti.map_index, ti.try_number)
        self._jobs = Jobs(client, table.location or self.location, instance, self.labels or {})
        self._jobs.fence_earlier_tries()
        return Slices(self._jobs, name, self.entry, self.hook.appid, ti.run_id)

    def _table(self, appid: str) -> TableName:
        return table_name(self.destination_project_dataset_table, appid=appid, endpoint=self.entry.name)


def _listed(periods: list[Period]) -> str:
    return ", ".join(str(period) for period in periods)
