"""All endpoints of one mini program, or of many, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_provider_wxanalysis.bigquery.names import table_name
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, resolve
from airflow_provider_wxanalysis.tasks.base import is_literal
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator


def weanalysis_to_bigquery(
    conn_ids: str | Sequence[str],
    endpoints: Iterable[str] = tuple(ENDPOINTS),
    destination: str = "{{ var.value.weanalysis_dataset }}.{endpoint}",
    *,
    pool: str | None = None,
    endpoint_options: Mapping[str, Mapping[str, Any]] | None = None,
    group_id: str = "weanalysis_to_bigquery",
    **arguments: Any,
) -> TaskGroup:
    """Return a group with one load per endpoint, each mapped over the apps.

    Every load owns the periods of its endpoint's window: in a daily DAG the weekly ones work on Mondays and skip on
    other days. Call it within a DAG::

        weanalysis_to_bigquery(["shop", "magazine"], destination="my-project.wechat.{endpoint}", pool="bigquery")

    :param conn_ids: Airflow connections of type ``weanalysis``, one for each app; a lone one makes unmapped tasks.
    :param endpoints: names of endpoints; by default all.
    :param destination: ``project.dataset.table`` with ``{endpoint}``, and ``{appid}`` if apps shall not share tables.
        (templated)
    :param pool: pool of the loads; ``{endpoint}`` is filled in, for a pool per table.
    :param endpoint_options: options by endpoint, such as ``{"performance_data": {"modules": ["10022"]}}``.
    :param group_id: name of the group.
    :param arguments: anything else that
        :class:`~airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery.WeAnalysisToBigQueryOperator` takes.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    """
    with TaskGroup(group_id) as group:
        for endpoint in endpoints:
            options = (endpoint_options or {}).get(endpoint)
            own = {**arguments, "endpoint": endpoint, "endpoint_options": options}
            own["destination_project_dataset_table"] = destination
            if pool is not None:
                own["pool"] = pool.replace("{endpoint}", endpoint)
            if isinstance(conn_ids, str):
                WeAnalysisToBigQueryOperator(task_id=endpoint, weanalysis_conn_id=conn_ids, **own)
                continue
            resolve(
                endpoint, options
            )  # Airflow makes mapped tasks at run time, and that is late for a spelling mistake
            if is_literal(destination):
                table_name(destination, appid="appid", endpoint=endpoint)
            WeAnalysisToBigQueryOperator.partial(task_id=endpoint, **own).expand(weanalysis_conn_id=list(conn_ids))
    return group
