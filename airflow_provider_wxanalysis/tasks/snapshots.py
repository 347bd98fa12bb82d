"""What the coverage task found, as an asset's event: the page in Airflow's UI reads the newest one.

An alias carries it, since the dataset's name is often a template that is rendered only when the task runs.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset, AssetAlias

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.tasks.covering import App, Picture, Target

ALIAS = "weanalysis_coverage"


@functools.lru_cache(1)
def snapshot_alias() -> AssetAlias:
    """Return the outlet of coverage tasks."""
    return AssetAlias(ALIAS)


def snapshot_asset(project: str, dataset: str) -> Asset:
    """Return the asset that stands for what is known of a dataset."""
    return Asset(f"weanalysis://coverage/{project}/{dataset}")


def announce_snapshot(
    context: Mapping[str, Any],
    outlets: Sequence[object],
    now: dt.datetime,
    apps: Sequence[App],
    tables: Sequence[Target],
    picture: Picture,
) -> None:
    """Attach to the asset of each dataset what was found."""
