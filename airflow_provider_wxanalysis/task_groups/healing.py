"""Bring back what is missing: look at the tables, then load exactly that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

#: What both tasks take.
_SHARED = ("gcp_conn_id", "project_id", "location", "impersonation_chain", "labels", "empty_is_ready_after")


def weanalysis_heal(
    conn_ids: str | Sequence[str],
    endpoints: Iterable[str] = tuple(ENDPOINTS),
    destination: str = "{{ var.value.weanalysis_dataset }}.{endpoint}",
    *,
    since: str | dt.date,
    limit: int = 100,
    appids: Sequence[str] | None = None,
    endpoint_options: Mapping[str, Mapping[str, Any]] | None = None,
    group_id: str = "weanalysis_heal",
    **arguments: Any,
) -> TaskGroup:
    """Return a group of two tasks: ``coverage`` finds what the tables lack, ``load`` loads it, one instance per range.

    It finds what a backfill of runs cannot: apps and endpoints added later, missed runs, a paused DAG, days deleted by
    hand, retention never refreshed, slices written twice. Where nothing is missing, nothing is loaded::

        loads = weanalysis_to_bigquery(["shop", "magazine"], destination="my-project.wechat.{endpoint}")
        loads >> weanalysis_heal(["shop", "magazine"], destination="my-project.wechat.{endpoint}", since="2026-01-01")

    ``coverage`` runs whatever became of the tasks before it, since a weekly load skips on most days and a failed one is
    no reason not to heal others. A failure in the group does not touch them.

    .. seealso:: https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/dynamic-task-mapping.html

    :param conn_ids: Airflow connections of type ``weanalysis``, one for each app: a list, or the output of a task that
        returns one. (templated)
    :param endpoints: names of endpoints; by default all.
    :param destination: ``project.dataset.table`` with ``{endpoint}``, and ``{appid}`` if apps have their own tables.
        (templated)
    :param since: the first day that should be there, ``YYYY-MM-DD`` or ``YYYYMMDD``. (templated)
    :param limit: the most ranges to load in one run, the newest first.
    :param appids: AppIDs that the one connection serves, where it has ``auth=central``: a list, or the output of a task
        that returns one. (templated)
    :param endpoint_options: options by endpoint, such as ``{"performance_data": {"modules": ["10022"]}}``.
    :param group_id: name of the group.
    :param arguments: anything else that
        :class:`~airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery.WeAnalysisToBigQueryOperator` takes.
    :return: the group.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    """
    with TaskGroup(group_id) as group:
        coverage = WeAnalysisCoverageOperator(
            task_id="coverage",
            conn_ids=conn_ids,
            appids=appids,
            endpoints=[endpoints] if isinstance(endpoints, str) else tuple(endpoints),
            destination=destination,
            since=since,
            limit=limit,
            endpoint_options=endpoint_options,
            trigger_rule="all_done",
            **{name: arguments[name] for name in _SHARED if name in arguments},
        )
        WeAnalysisToBigQueryOperator.partial(
            task_id="load",
            destination_project_dataset_table=destination,
            **{"lookback": 0, **arguments},
        ).expand_kwargs(coverage.output)
    return group
