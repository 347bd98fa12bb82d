"""From WeChat into BigQuery, slice by slice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator, conf

from airflow_provider_wxanalysis.bigquery.names import TableName, table_name
from airflow_provider_wxanalysis.exceptions import ConfigurationError, DataNotReadyError, EmptyReportError
from airflow_provider_wxanalysis.hooks.readiness import EMPTY_IS_READY_AFTER, check_empty_is_ready_after
from airflow_provider_wxanalysis.links.weanalysis import BigQueryTableLink, WeChatConsoleLink
from airflow_provider_wxanalysis.tasks.arguments import Rules, seconds
from airflow_provider_wxanalysis.tasks.assets import announce, check_partitions, has_alias, table_asset
from airflow_provider_wxanalysis.tasks.base import (
    EndpointOperatorMixin,
    deadline_after,
    fail_for_good,
    is_literal,
    is_past,
)
from airflow_provider_wxanalysis.tasks.identity import task_identity
from airflow_provider_wxanalysis.tasks.runs import earlier_periods, is_backfill, lookback_offsets
from airflow_provider_wxanalysis.tasks.signatures import OperatorArguments

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_wxanalysis.bigquery.destination import Destination
    from airflow_provider_wxanalysis.periods import Period

ON_EMPTY = ("fail", "skip", "replace")


def _check_on_empty(value: object) -> None:
    if value not in ON_EMPTY:
        raise ConfigurationError(f"on_empty must be one of {', '.join(ON_EMPTY)}, got {value!r}.")


def _check_table(value: Any) -> None:
    if is_literal(value):
        table_name(value, appid="appid", endpoint="endpoint")


class WeAnalysisToBigQueryOperator(EndpointOperatorMixin, BaseOperator):
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
    :param deferrable: whether to wait in the triggerer, without a worker slot, while WeChat has not published; without
        it the task fails, for Airflow's retries. By default ``[operators] default_deferrable``.
    :param poll_interval: seconds between two looks while waiting.
    :param wait_timeout: seconds after which the wait ends with the error that began it.
    :param emit_partitions: whether the asset's event carries one partition key per period, its first day as
        ``YYYY-MM-DD`` (Airflow 3.3 and later). Off by default, since events with keys do not trigger DAGs that are
        scheduled on the asset itself.
    :return: ``table``, ``appid``, ``endpoint``, ``periods``, ``empty_periods``, ``rows``, ``load_ids``.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if no period is due, or all are empty and ``on_empty`` is ``skip``.
    :raises AirflowFailException: if no retry can mend what went wrong.
    :raises WeAnalysisError: if a retry may mend it.
    """

    template_fields: Sequence[str] = (
        *EndpointOperatorMixin.template_fields,
        "destination_project_dataset_table",
        "gcp_conn_id",
        "project_id",
        "location",
        "impersonation_chain",
    )
    ui_color = "#d9f2e2"
    rules: ClassVar[Rules] = {
        "lookback": lookback_offsets,
        "empty_is_ready_after": check_empty_is_ready_after,
        "on_empty": _check_on_empty,
        "poll_interval": seconds("poll_interval"),
        "wait_timeout": seconds("wait_timeout"),
        "destination_project_dataset_table": _check_table,
    }
    operator_extra_links = (BigQueryTableLink(), WeChatConsoleLink())
    _destination: Destination | None = None
    _summary: dict[str, Any] | None = None

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
        from_date: str | dt.date | None = None,
        to_date: str | dt.date | None = None,
        lookback: int | Sequence[int] | None = None,
        on_empty: Literal["fail", "skip", "replace"] = "fail",
        empty_is_ready_after: dt.timedelta = EMPTY_IS_READY_AFTER,
        create_dataset: bool = False,
        labels: Mapping[str, str] | None = None,
        encryption_configuration: Mapping[str, Any] | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = 600,
        wait_timeout: float = 8 * 3600,
        emit_partitions: bool = False,
        **kwargs: Unpack[OperatorArguments],
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
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.wait_timeout = wait_timeout
        self.emit_partitions = emit_partitions
        self.check_when_parsed()
        if self._announces_itself():
            self.outlets = [*self.outlets, table_asset(self._table(appid="appid"))]
        check_partitions(emit_partitions, self.outlets)

    def execute(self, context: Context) -> dict[str, Any]:
        """Load the periods that the run owes."""
        return self._load_or_defer(context, deadline_after(self.wait_timeout))

    def execute_complete(self, context: Context, event: Mapping[str, str]) -> dict[str, Any]:
        """Load again, now that the trigger has fired."""
        return self._load_or_defer(context, event["deadline"])

    def _load_or_defer(self, context: Context, deadline: str) -> dict[str, Any]:
        with fail_for_good():
            due = self.due_periods(context)
            try:
                return self._load(due, context)
            except (DataNotReadyError, EmptyReportError) as error:
                if not self.deferrable or not error.retryable or is_past(deadline):
                    raise
                self.log.info("%s Waiting in the triggerer.", error)
        raise self.deferral(
            dict.fromkeys(self.app_refs(), due),
            context,
            empty_is_ready_after=self.empty_is_ready_after,
            poll_interval=self.poll_interval,
            deadline=deadline,
        )

    def on_kill(self) -> None:
        """Cancel the BigQuery job that is running."""
        if self._destination is not None:
            self._destination.cancel()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return what the load read and wrote, for Airflow's OpenLineage provider."""
        from airflow_provider_wxanalysis.tasks.lineage import lineage

        return lineage(self.entry, self._summary) if self._summary else None

    def _load(self, due: list[Period], context: Context) -> dict[str, Any]:
        # Here and not above: DAG files import this module, and Google's client is slow to import.
        from airflow_provider_wxanalysis.tasks.loading import Load

        with self._open(context) as self._destination:
            load = Load(self.hook, self._destination, self.on_empty, self.empty_is_ready_after)
            load.run(due, self._earlier(due, context))
        periods, empty, truncated = (
            [str(period) for period in periods] for periods in (load.periods, load.empty, load.truncated)
        )
        if self.on_empty == "skip" and empty == periods:
            raise AirflowSkipException(
                f"{self.endpoint}: every period was empty ({', '.join(empty)}); nothing was changed."
            )
        table, appid, rows = load.destination.table, self.hook.appid, load.rows
        told = {"appid": appid, "endpoint": self.entry.name, "periods": periods, "empty_periods": empty, "rows": rows}
        self._summary = {"table": str(table), **told, "load_ids": load.destination.load_ids}
        self.log.info("Loaded %s", self._summary)
        keys = [str(period.begin_date) for period in load.periods] if self.emit_partitions else []
        announce(context, self.outlets, table, {**told, "truncated_periods": truncated}, keys)
        return self._summary

    def _announces_itself(self) -> bool:
        """Whether the table becomes an outlet: its name is known, and the task is one whose outlets Airflow knows."""
        table = self.destination_project_dataset_table
        mapped = getattr(self, "_BaseOperator__from_mapped", False)
        return is_literal(table) and "{appid}" not in table and not mapped and not has_alias(self.outlets)

    def _earlier(self, due: list[Period], context: Context) -> list[Period]:
        offsets = lookback_offsets(self.lookback)
        if self.lookback is None and not self.from_date and not is_backfill(context):
            offsets = self.entry.refresh_offsets
        return earlier_periods(self.entry, due, offsets)

    def _open(self, context: Context) -> Destination:
        from airflow_provider_wxanalysis.bigquery.destination import open_destination

        return open_destination(
            self._table(appid=self.hook.appid),
            self.entry,
            identity=task_identity(context),
            gcp_conn_id=self.gcp_conn_id,
            project_id=self.project_id,
            location=self.location,
            impersonation_chain=self.impersonation_chain,
            create_dataset=self.create_dataset,
            labels=self.labels,
            encryption_configuration=self.encryption_configuration,
        )

    def _table(self, appid: str) -> TableName:
        return table_name(self.destination_project_dataset_table, appid=appid, endpoint=self.entry.name)
