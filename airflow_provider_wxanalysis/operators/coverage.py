"""Which periods are in the tables, which are not and why, and what to load again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, BaseOperator

from airflow_provider_wxanalysis.bigquery.names import table_name
from airflow_provider_wxanalysis.coverage.ranges import ranges
from airflow_provider_wxanalysis.coverage.report import totals
from airflow_provider_wxanalysis.coverage.states import Coverage, State
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint, resolve
from airflow_provider_wxanalysis.exceptions import ConfigurationError, WeAnalysisError
from airflow_provider_wxanalysis.folding import counted
from airflow_provider_wxanalysis.hooks.readiness import EMPTY_IS_READY_AFTER, check_empty_is_ready_after
from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.tasks.apps import app_refs
from airflow_provider_wxanalysis.tasks.arguments import check_apps
from airflow_provider_wxanalysis.tasks.base import fail_for_good, is_literal, is_mapped_instance
from airflow_provider_wxanalysis.tasks.clients import BigQueryClientMixin
from airflow_provider_wxanalysis.tasks.runs import explicit_date
from airflow_provider_wxanalysis.tasks.snapshots import announce_snapshot, snapshot_outlets

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

#: How far BigQuery's time travel goes back.
_TIME_TRAVEL = dt.timedelta(days=7)


class WeAnalysisCoverageOperator(BigQueryClientMixin, BaseOperator):
    """Say what is loaded since a date, app by app and endpoint by endpoint, and return what to load again.

    It asks the tables, never WeChat: one query per table for all apps, and two small ones for the periods that loads
    have accepted as empty and for the names of apps. The log has one table and the plan. The states are those of
    :class:`~airflow_provider_wxanalysis.coverage.states.State`; ``missing``, ``stale`` and ``doubled`` can be healed::

        coverage = WeAnalysisCoverageOperator(
            task_id="coverage", conn_ids=["shop", "magazine"], destination="p.d.{endpoint}", since="2026-01-01"
        )
        WeAnalysisToBigQueryOperator.partial(
            task_id="heal", destination_project_dataset_table="p.d.{endpoint}", lookback=0
        ).expand_kwargs(coverage.output)

    :func:`~airflow_provider_wxanalysis.task_groups.weanalysis_heal` is that, in one call.

    .. seealso:: https://cloud.google.com/bigquery/docs/querying-partitioned-tables

    :param conn_ids: Airflow connections of type ``weanalysis``, one per app. (templated)
    :param appids: AppIDs that the one connection serves, where it has ``auth=central``. (templated)
    :param endpoints: names of endpoints; by default all.
    :param destination: ``project.dataset.table``, with ``{endpoint}`` and, if apps have their own tables, ``{appid}``.
        (templated)
    :param since: the first day that should be there, ``YYYY-MM-DD`` or ``YYYYMMDD``. (templated)
    :param limit: the most ranges that the plan holds; those left out come up again next time.
    :param fail_on: states that fail the task, such as ``{"missing", "lost"}``, as a gate for what comes after it.
    :param quality: whether to report what the view ``report_quality`` finds suspicious; one more query.
    :param revisions: how far back, less than seven days, to report which slices changed when they were loaded again;
        one more query per table.
    :param endpoint_options: options by endpoint, such as ``{"performance_data": {"modules": ["10022"]}}``.
    :param empty_is_ready_after: how long after the midnight (Asia/Shanghai) that ends a period WeChat may take to
        publish it; before, it counts as pending.
    :param gcp_conn_id: Google Cloud connection, for which the Google provider must be installed; ``None`` uses the
        worker's own credentials (or anonymous ones where ``BIGQUERY_EMULATOR_HOST`` is set). (templated)
    :param project_id: project that runs the jobs; by default the connection's own, else the tables'. (templated)
    :param location: where the jobs run; by default where the dataset is. (templated)
    :param impersonation_chain: service account, or chain of them, to act as. (templated)
    :param labels: labels for jobs.
    :return: the plan, for ``expand_kwargs`` of a load: ``weanalysis_conn_id``, ``endpoint``, ``from_date``,
        ``to_date`` and, where given, ``appids`` and ``endpoint_options``; the newest first, adjoining periods together,
        apps that lack the same together.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if another task returned an empty list of apps.
    :raises AirflowFailException: if a period is in a state of ``fail_on``, or if that cannot be judged since an app's
        connection cannot be read (without ``fail_on`` such an app is left out, with a warning); if BigQuery refuses
        for good.
    :raises WeAnalysisError: if a retry may help.
    """

    template_fields: Sequence[str] = (
        "conn_ids",
        "appids",
        "destination",
        "since",
        "gcp_conn_id",
        "project_id",
        "location",
        "impersonation_chain",
    )
    ui_color = "#d9e8f2"

    def __init__(
        self,
        *,
        conn_ids: str | Sequence[str],
        endpoints: Sequence[str] = tuple(ENDPOINTS),
        destination: str = "{{ var.value.weanalysis_dataset }}.{endpoint}",
        since: str | dt.date,
        limit: int = 100,
        fail_on: Collection[str] = (),
        quality: bool = False,
        revisions: dt.timedelta | None = None,
        appids: Sequence[str] | None = None,
        endpoint_options: Mapping[str, Mapping[str, Any]] | None = None,
        empty_is_ready_after: dt.timedelta = EMPTY_IS_READY_AFTER,
        gcp_conn_id: str | None = "google_cloud_default",
        project_id: str | None = None,
        location: str | None = None,
        impersonation_chain: str | Sequence[str] | None = None,
        labels: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_ids = conn_ids
        self.endpoints = endpoints
        self.destination = destination
        self.since = since
        self.limit = limit
        self.fail_on = fail_on
        self.quality = quality
        self.revisions = revisions
        self.appids = appids
        self.endpoint_options = endpoint_options
        self.empty_is_ready_after = empty_is_ready_after
        self.gcp_conn_id = gcp_conn_id
        self.project_id = project_id
        self.location = location
        self.impersonation_chain = impersonation_chain
        self.labels = labels
        self._check_literals()
        self.outlets = [*self.outlets, *snapshot_outlets()]

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Ask the tables, report, and return the plan."""
        # Here and not above: DAG files import this module, and Google's client is slow to import.
        from airflow_provider_wxanalysis.bigquery.survey import Survey
        from airflow_provider_wxanalysis.tasks.covering import ledgers, load_arguments, look, read_apps, targets
        from airflow_provider_wxanalysis.tasks.reporting import report, report_quality, report_revisions

        with fail_for_good():
            now, since = pendulum.now(SHANGHAI), explicit_date(self.since)
            apps, unreadable = read_apps(app_refs(self.conn_ids, self.appids))
            if not apps:
                raise AirflowSkipException("The list of apps is empty, so there is nothing to look for.")
            tables = list(targets(self.destination, self.entries, apps, since, now))
            with self.bigquery_client(fallback_project=tables[0].name.project) as client:
                survey = Survey(client, self.location, self.labels or {})
                picture = look(survey, tables, since, now, self.empty_is_ready_after)
                plan = ranges(picture.coverages, self.limit, together="{appid}" not in self.destination)
                report(self.destination, since, apps, picture.coverages, plan, unreadable)
                for ledger, own in ledgers(survey, tables):
                    ledger.record_names({app.appid: app.name for target in own for app in target.apps})
                if self.revisions:
                    report_revisions(survey, tables, now - self.revisions)
                if self.quality:
                    report_quality(survey, tables, since)
            announce_snapshot(context, self.outlets, now, apps, tables, picture)
            self._check(picture.coverages, unreadable)
        by_appid = {app.appid: app for app in apps}
        options = self.endpoint_options or {}
        return [arguments for item in plan for arguments in load_arguments(item, by_appid, options)]

    @property
    def entries(self) -> list[Endpoint]:
        """The catalogue's entries, with their options applied."""
        options = self.endpoint_options or {}
        return [resolve(name, options.get(name)) for name in self.endpoints]

    def _check(self, coverages: Iterable[Coverage], unreadable: Mapping[AppRef, WeAnalysisError]) -> None:
        found = totals(coverages)
        bad = {str(state): found[state] for state in map(State, self.fail_on) if found[state]}
        if bad:
            listed = ", ".join(f"{number} {state}" for state, number in bad.items())
            raise AirflowFailException(f"Periods in states of fail_on: {listed}. The log says which.")
        if self.fail_on and unreadable:  # a gate lets nothing pass that it has not seen
            raise AirflowFailException(
                f"fail_on cannot be judged for {counted(len(unreadable), 'app')}. The log says why."
            )

    def _check_literals(self) -> None:
        check_apps("conn_ids", self.conn_ids, self.appids, rendered=is_mapped_instance(self))
        if isinstance(self.endpoints, str) or not self.endpoints:
            raise ConfigurationError(f"endpoints must be a list of at least one name, got {self.endpoints!r}.")
        for entry in self.entries:
            if is_literal(self.destination):
                table_name(self.destination, appid="appid", endpoint=entry.name)
        if is_literal(self.since):
            explicit_date(self.since)
        unknown = set(self.endpoint_options or {}) - set(self.endpoints)
        if unknown:
            raise ConfigurationError(f"endpoint_options for {sorted(unknown)}, which are not among the endpoints.")
        states = [str(state) for state in State]
        if isinstance(self.fail_on, str) or not isinstance(self.fail_on, Collection) or set(self.fail_on) - set(states):
            raise ConfigurationError(f"fail_on must be a set of states ({', '.join(states)}), got {self.fail_on!r}.")
        if type(self.limit) is not int or self.limit < 1:
            raise ConfigurationError(f"limit must be a number of ranges from 1, got {self.limit!r}.")
        check_empty_is_ready_after(self.empty_is_ready_after)
        if self.revisions is not None and not (
            isinstance(self.revisions, dt.timedelta) and dt.timedelta(0) < self.revisions < _TIME_TRAVEL
        ):
            raise ConfigurationError(f"revisions must be a timedelta of less than seven days, got {self.revisions!r}.")
        self.check_client_arguments()
