"""All endpoints of one mini program, or of a thousand, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_provider_wxanalysis.bigquery.names import table_name
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, resolve
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.tasks.apps import app_refs
from airflow_provider_wxanalysis.tasks.arguments import is_literal
from airflow_provider_wxanalysis.tasks.assets import listed, with_table
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator


def weanalysis_to_bigquery(
    conn_ids: Any,
    endpoints: Iterable[str] = tuple(ENDPOINTS),
    destination: str = "{{ var.value.weanalysis_dataset }}.{endpoint}",
    *,
    appids: Any = None,
    apps_per_task: int = 1,
    pool: str | None = None,
    endpoint_options: Mapping[str, Mapping[str, Any]] | None = None,
    group_id: str = "weanalysis_to_bigquery",
    **arguments: Any,
) -> TaskGroup:
    """Return a group with one load per endpoint, each mapped over the apps.

    Every load has the periods of its endpoint's window: in a daily DAG the weekly ones work on Mondays and skip on
    other days. Call it within a DAG::

        weanalysis_to_bigquery(["shop", "magazine"], destination="my-project.wechat.{endpoint}")

    .. seealso:: https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/dynamic-task-mapping.html

    :param conn_ids: Airflow connections of type ``weanalysis``, one for each app: a list, or the output of a task that
        returns one. A single id makes tasks that are not mapped.
    :param endpoints: names of endpoints; by default all.
    :param destination: ``project.dataset.table`` with ``{endpoint}``, and ``{appid}`` if each app has tables of its
        own. (templated)
    :param appids: AppIDs to load through the one connection of ``conn_ids``, which has ``auth=central``: a list, or
        the output of a task that returns one.
    :param apps_per_task: how many apps share a task, and its BigQuery statements.
    :param pool: pool of the loads, which must exist; ``{endpoint}`` is filled in, for a pool per table.
    :param endpoint_options: options by endpoint, such as ``{"performance_data": {"modules": ["10022"]}}``.
    :param group_id: name of the group.
    :param arguments: anything else that
        :class:`~airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery.WeAnalysisToBigQueryOperator` takes.
    :return: the group.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    """
    names = [endpoints] if isinstance(endpoints, str) else list(endpoints)
    _check_options(endpoint_options, names)
    batches = _batches(conn_ids, appids, apps_per_task)
    with TaskGroup(group_id) as group:
        for name in names:
            own = {**arguments, **_own(name, destination, endpoint_options, listed(arguments.get("outlets")))}
            if pool is not None:
                own["pool"] = pool.replace("{endpoint}", name)
            if "expand" in batches:
                WeAnalysisToBigQueryOperator.partial(**own, **batches["partial"]).expand(**batches["expand"])
            else:
                WeAnalysisToBigQueryOperator(**own, **batches["partial"])
    return group


def _own(
    name: str, destination: str, endpoint_options: Mapping[str, Mapping[str, Any]] | None, outlets: list[object]
) -> dict[str, Any]:
    """Return an endpoint's own arguments."""
    options = (endpoint_options or {}).get(name)
    entry = resolve(name, options)
    if is_literal(destination) and "{appid}" not in destination:
        # Here, since the outlets of mapped tasks have to be known when the DAG is parsed.
        outlets = with_table(outlets, table_name(destination, appid="", endpoint=entry.name))
    return {
        "task_id": name,
        "task_display_name": f"{name} {entry.zh}",
        "endpoint": name,
        "endpoint_options": options,
        "destination_project_dataset_table": destination,
        "outlets": outlets,
    }


def _check_options(endpoint_options: Any, names: Sequence[str]) -> None:
    if unknown := sorted(set(endpoint_options or {}) - set(names)):
        raise ConfigurationError(
            f"endpoint_options must have names of endpoints of this group as keys, got {', '.join(map(repr, unknown))}."
        )


def _batches(conn_ids: Any, appids: Any, apps_per_task: Any) -> dict[str, dict[str, Any]]:
    """Return how the apps are spread over tasks: arguments that all share, and those to map over."""
    if type(apps_per_task) is not int or apps_per_task < 1:
        raise ConfigurationError(f"apps_per_task must be a whole number from 1 on, got {apps_per_task!r}.")
    name, apps = ("weanalysis_conn_id", conn_ids) if appids is None else ("appids", appids)
    shared = {} if appids is None else {"weanalysis_conn_id": conn_ids}
    if isinstance(apps, str):
        return {"partial": {**shared, name: apps}}
    if not isinstance(apps, Sequence):  # the output of another task
        if apps_per_task > 1:
            raise ConfigurationError(
                "apps_per_task needs apps that are known when the DAG is parsed. Have the other task return a list of "
                "lists instead: each of them becomes a task."
            )
        return {"partial": shared, "expand": {name: apps}}
    literal = [ref.appid or ref.conn_id for ref in app_refs(conn_ids, appids)]
    if not literal:
        raise ConfigurationError("conn_ids and appids must name at least one app, got an empty list.")
    if apps_per_task == 1:
        each: list[Any] = literal
    else:
        each = [literal[start : start + apps_per_task] for start in range(0, len(literal), apps_per_task)]
    if appids is not None and apps_per_task == 1:
        each = [[appid] for appid in literal]
    return {"partial": shared, "expand": {name: each}}
