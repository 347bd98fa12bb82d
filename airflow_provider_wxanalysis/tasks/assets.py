"""Telling Airflow which table a task has changed: assets, their events, and partitions of them.

.. seealso:: https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/assets.html
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import airflow
from airflow.providers.common.compat.sdk import Asset, AssetAlias
from packaging.version import Version

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.exceptions import ConfigurationError

log = logging.getLogger(__name__)

#: The longest that Airflow keeps.
_LONGEST_URI = 1500


@functools.lru_cache(1024)  # assets are slow to make, and many tasks of a DAG file load one table
def table_asset(table: TableName) -> Asset | None:
    """Return the asset that stands for a table, under the name Airflow's Google provider gives it.

    Airflow takes URIs of ASCII alone, while a table may be called almost anything, so the rest is percent-encoded.

    :return: ``None`` for a table whose name is too long for a URI that Airflow keeps.
    """
    uri = f"bigquery://{'/'.join(quote(part, safe='') for part in table)}"
    return Asset(uri) if len(uri) <= _LONGEST_URI else None


def listed(outlets: object) -> list[object]:
    """Return a task's outlets as a list. Operators take one alone or ``None`` as well; mapped tasks keep what they get.

    :param outlets: what the user gave.
    """
    if not outlets:
        return []
    return [*outlets] if isinstance(outlets, Collection) else [outlets]


def with_table(outlets: Sequence[object], table: TableName) -> list[object]:
    """Return a task's outlets with the table's asset among them, unless one of the user's own stands for it.

    :param outlets: what the user gave.
    :param table: the table.
    """
    asset = table_asset(table)
    if asset is None or has_alias(outlets) or any(_stands_for(outlet, asset) for outlet in outlets):
        return [*outlets]
    return [*outlets, asset]


def has_alias(outlets: Iterable[object]) -> bool:
    """Whether the user wants the table announced through an alias."""
    return any(isinstance(outlet, AssetAlias) for outlet in outlets)


def check_partitions(emit_partitions: bool, outlets: Iterable[object]) -> None:
    """Refuse ``emit_partitions`` where no event could carry a partition key.

    :raises ConfigurationError: before Airflow 3.3, and where the table is not among the outlets.
    """
    if not emit_partitions:
        return
    if Version(Version(airflow.__version__).base_version) < Version("3.3"):
        raise ConfigurationError(f"emit_partitions needs Airflow 3.3 or later; this is {airflow.__version__}.")
    if not any(isinstance(outlet, Asset) for outlet in outlets):
        raise ConfigurationError(
            "emit_partitions needs a task that is not mapped and a table without templates and {appid}: "
            "events of an AssetAlias carry no partition keys."
        )


def announce(
    context: Mapping[str, Any], outlets: Sequence[object], table: TableName, extra: dict[str, Any], keys: Sequence[str]
) -> None:
    """Describe the change of ``table`` in the events of those outlets that stand for it.

    :param context: Airflow's context.
    :param outlets: the task's outlets: the table's asset, the user's own of the same URI, or an alias to which it is
        added now.
    :param table: the table.
    :param extra: what the event says.
    :param keys: partition keys that the event carries.
    """
    asset = table_asset(table)
    if asset is None:
        log.warning("The name of table %s is too long for an asset's URI, so no asset event is emitted.", table)
        return
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            context["outlet_events"][outlet].add(asset, extra=extra)
        elif _stands_for(outlet, asset):
            event = context["outlet_events"][outlet]
            event.extra = extra
            if keys:
                event.add_partitions(list(keys))


def _stands_for(outlet: object, asset: Asset) -> bool:
    """Whether an outlet has the same URI: Airflow keeps one active asset for each, whatever its name."""
    return isinstance(outlet, Asset) and outlet.uri == asset.uri
