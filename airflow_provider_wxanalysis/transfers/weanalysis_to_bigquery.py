"""From WeChat into BigQuery, slice by slice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_wxanalysis.bigquery.labels import check_labels
from airflow_provider_wxanalysis.bigquery.names import TableName, table_name
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.hooks.readiness import EMPTY_IS_READY_AFTER, check_empty_is_ready_after
from airflow_provider_wxanalysis.links.weanalysis import BigQueryTableLink, WeChatConsoleLink
from airflow_provider_wxanalysis.tasks import telling
from airflow_provider_wxanalysis.tasks.arguments import Rules, is_literal, requests_in_flight, seconds
from airflow_provider_wxanalysis.tasks.assets import announce, check_partitions, listed, with_table
from airflow_provider_wxanalysis.tasks.base import (
    EndpointOperatorMixin,
    deadline_after,
    fail_for_good,
    is_mapped_instance,
    is_past,
    naming,
)
from airflow_provider_wxanalysis.tasks.outcomes import check_on_empty
from airflow_provider_wxanalysis.tasks.resuming import tried_since, waited_since
from airflow_provider_wxanalysis.tasks.runs import earlier_periods, is_backfill, lookback_offsets, skip
from airflow_provider_wxanalysis.tasks.signatures import OperatorArguments

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.tasks.loading import Load
    from airflow_provider_wxanalysis.tasks.results import LoadResult


def _check_table(name: Any) -> None:
    if is_literal(name):
        table_name(name, appid="appid", endpoint="endpoint")


class WeAnalysisToBigQueryOperator(EndpointOperatorMixin, BaseOperator):
    """Load one endpoint of one or many mini programs into a BigQuery table.

    A load replaces exactly its slices: what an app has of a period. Afterwards they hold the rows WeChat sent, once;
    every other row is untouched, other apps' included; a crash leaves a slice old or new, never mixed. Running it again
    changes nothing but the load columns. The table is created when missing.

    It gets as far as it can: what has rows is loaded, whatever becomes of other periods and apps; one error at the end
    lists what could not be fetched, and the next try asks only for that.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/
    .. seealso:: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement

    :param endpoint: name of the endpoint, a key of :data:`~airflow_provider_wxanalysis.endpoints.ENDPOINTS`.
    :param destination_project_dataset_table: ``project.dataset.table``; ``{appid}`` (where the task has a single app)
        and ``{endpoint}`` are filled in after templates are rendered. (templated)
    :param weanalysis_conn_id: Airflow connection of type ``weanalysis``, or a list of them: one for each app.
        (templated)
    :param appids: AppIDs to load through one connection with ``auth=central``. (templated)
    :param max_requests_in_flight: requests to WeChat at once, of all apps together; each app keeps within its own
        connection's limits as well.
    :param gcp_conn_id: Google Cloud connection, for which the Google provider must be installed; ``None`` uses the
        worker's own credentials (or anonymous ones where ``BIGQUERY_EMULATOR_HOST`` is set). (templated)
    :param project_id: project that runs the jobs; by default the connection's own, else the table's. (templated)
    :param location: where to make a missing dataset; jobs run where the dataset is. (templated)
    :param impersonation_chain: service account, or chain of them, to act as. (templated)
    :param endpoint_options: what the endpoint's own operator takes, such as ``{"modules": ["10022"]}``.
    :param from_date: first day to load instead of the run's interval, ``YYYY-MM-DD`` or ``YYYYMMDD``. (templated)
    :param to_date: last day, inclusive; the two make up whole periods. (templated)
    :param lookback: how many earlier periods to load again, or which offsets, such as ``[1, 7]``. By default those
        whose figures can have grown since they were loaded, but none for explicit dates and in backfill runs.
    :param on_empty: what an empty reply means once WeChat has surely published. ``fail``: accepted where the slice is
        empty too, else an error. ``skip``: leave the slice alone. ``replace``: empty the slice.
    :param empty_is_ready_after: how long after the midnight (Asia/Shanghai) that ends a period an empty reply means
        "not yet", whatever ``on_empty`` is; by default 15 hours.
    :param create_dataset: whether to make a missing dataset.
    :param labels: labels for jobs, and for the table if it is made here.
    :param encryption_configuration: ``{"kmsKeyName": …}`` for the table if it is made here.
    :param deferrable: whether to wait in the triggerer, without a worker slot, for what WeChat has not published;
        without it the task fails, for Airflow's retries. By default ``[operators] default_deferrable``.
    :param poll_interval: seconds between two checks while waiting.
    :param wait_timeout: seconds after which the wait ends, and the task fails with the error that it waited on.
    :param emit_partitions: whether the asset's event carries one partition key per period loaded, its first day as
        ``YYYY-MM-DD`` (Airflow 3.3 and later). Off by default, since events with keys do not trigger DAGs that are
        scheduled on the asset itself.
    :return: ``table``, ``endpoint``, ``rows``, ``load_ids`` and ``apps``: by AppID its ``rows``, the ``periods`` that
        were loaded, ``empty_periods`` and ``truncated_periods``.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if no period is due, or all are empty and ``on_empty`` is ``skip``.
    :raises AirflowFailException: if no retry can fix what went wrong.
    :raises WeAnalysisError: if a retry may fix it; :class:`~airflow_provider_wxanalysis.exceptions.LoadError` if
        several apps or periods failed.
    """

    template_fields: Sequence[str] = (
        *EndpointOperatorMixin.template_fields,
        "destination_project_dataset_table",
        "gcp_conn_id",
        "project_id",
        "location",
        "impersonation_chain",
    )
    rules: ClassVar[Rules] = {
        "lookback": lookback_offsets,
        "on_empty": check_on_empty,
        "empty_is_ready_after": check_empty_is_ready_after,
        "poll_interval": seconds("poll_interval"),
        "wait_timeout": seconds("wait_timeout"),
        "max_requests_in_flight": requests_in_flight,
        "labels": check_labels,
        "destination_project_dataset_table": _check_table,
    }
    ui_color = "#d9f2e2"
    operator_extra_links = (BigQueryTableLink(), WeChatConsoleLink())
    _load: Load | None = None
    _result: LoadResult | None = None

    def __init__(
        self,
        *,
        endpoint: str,
        destination_project_dataset_table: str,
        weanalysis_conn_id: str | Sequence[str] = "weanalysis_default",
        appids: Sequence[str] | None = None,
        max_requests_in_flight: int = 64,
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
        self.appids = appids
        self.max_requests_in_flight = max_requests_in_flight
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
        table = self.destination_project_dataset_table
        if is_literal(table) and "{appid}" not in table and not is_mapped_instance(self):
            # A mapped task's outlets have to be known before its instances are.
            self.outlets = with_table(self.outlets, self._table(appid="appid"))
        check_partitions(emit_partitions, self.outlets)

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Map the load over other arguments with ``.expand(…)``; its outlets are those given here, and no others."""
        if "outlets" in kwargs:
            kwargs["outlets"] = listed(kwargs["outlets"])
        with naming(kwargs.get("task_id")):
            check_partitions(kwargs.get("emit_partitions", False), kwargs.get("outlets", ()))
        return super().partial(**kwargs)

    def execute(self, context: Context) -> dict[str, Any]:
        """Load the periods that are due."""
        return self._run(context, deadline_after(self.wait_timeout), tried_since(context, self.retries or 0))

    def execute_complete(self, context: Context, event: Mapping[str, str]) -> dict[str, Any]:
        """Load what was not there yet, now that the trigger has fired."""
        deadline = event["deadline"]
        return self._run(context, deadline, waited_since(context, deadline, self.wait_timeout))

    def on_kill(self) -> None:
        """End the load within seconds: cancel the BigQuery job that is running, and ask WeChat no more."""
        if self._load is not None:
            self._load.end()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return what the load read and wrote, for Airflow's OpenLineage provider."""
        from airflow_provider_wxanalysis.tasks.lineage import lineage

        return lineage(self.entry, self._result) if self._result else None

    def _run(self, context: Context, deadline: str, since: dt.datetime | None) -> dict[str, Any]:
        """Load; then wait, fail, skip or return, as :mod:`~airflow_provider_wxanalysis.tasks.outcomes` decides."""
        # Here and not above: DAG files import this module, and do not need the client.
        from airflow_provider_wxanalysis.tasks.failures import combined

        may_wait = self.deferrable and not is_past(deadline)
        with fail_for_good():
            result = self._loaded(context, may_wait=may_wait, since=since)
            if result.failures and not result.waits:
                raise combined(result.failures, self.entry.name, telling.in_the_table(result))
        if result.waits:
            self.log.info("%s", telling.waiting(result, self.poll_interval, deadline))
            raise self.deferral(
                result.waits,
                context,
                empty_is_ready_after=self.empty_is_ready_after,
                poll_interval=self.poll_interval,
                deadline=deadline,
            )
        if self.on_empty == "skip" and not result.periods and not result.kept:
            skip(f"{self.entry.name}: every period was empty, and on_empty='skip' leaves the table as it is.")
        self._result = result
        keys = [str(period.begin_date) for period in result.periods] if self.emit_partitions else []
        announce(context, self.outlets, result.table, result.summary, keys)
        return result.summary

    def _loaded(self, context: Context, *, may_wait: bool, since: dt.datetime | None) -> LoadResult:
        from airflow_provider_wxanalysis.tasks.intake import Terms
        from airflow_provider_wxanalysis.tasks.loading import Load

        due = self.due_periods(context)
        earlier, by_need = self._earlier(due, context)
        terms = Terms(
            self.entry,
            self.on_empty,
            self.empty_is_ready_after,
            in_flight=self.max_requests_in_flight,
            may_wait=may_wait,
            by_need=by_need,
            loaded_since=since,
        )
        hooks = self.hooks()
        table = self._table_of(hooks)
        self.log.info("%s", telling.beginning(self.entry.name, self.apps_label, table, due, earlier))
        self._load = Load(terms, hooks, partial(self._open, table, context))
        return self._load.run(due, earlier)

    def _earlier(self, due: Sequence[Period], context: Context) -> tuple[list[Period], bool]:
        """Return the earlier periods that may be fetched again, and whether only by need."""
        offsets = lookback_offsets(self.lookback)
        by_need = self.lookback is None and not self.from_date and not is_backfill(context)
        return earlier_periods(self.entry, due, self.entry.refresh_offsets if by_need else offsets), by_need

    def _table_of(self, hooks: Mapping[Any, Any]) -> TableName:
        if "{appid}" not in self.destination_project_dataset_table:
            return self._table(appid="appid")
        if len(hooks) > 1:
            raise ConfigurationError(
                f"Table {self.destination_project_dataset_table!r}: {{appid}} needs a task with a single app, got "
                f"{len(hooks)}. Leave it out, since a table can hold any number of apps, or map the task over the apps."
            )
        (hook,) = hooks.values()
        return self._table(appid=hook.appid)

    def _table(self, appid: str) -> TableName:
        return table_name(self.destination_project_dataset_table, appid=appid, endpoint=self.entry.name)

    def _open(self, table: TableName, context: Context) -> Any:
        from airflow_provider_wxanalysis.bigquery.destination import open_destination
        from airflow_provider_wxanalysis.tasks.identity import task_identity

        return open_destination(
            table,
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
