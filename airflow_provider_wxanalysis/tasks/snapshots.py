"""What the coverage task found, as events of an asset: the page in Airflow's UI reads the newest.

An alias carries them, since the dataset's name is often a template that is rendered only when the task runs.
"""

from __future__ import annotations

import datetime as dt
import functools
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin, Asset, AssetAlias

from airflow_provider_wxanalysis.coverage import snapshot
from airflow_provider_wxanalysis.coverage.figures import read_figures
from airflow_provider_wxanalysis.coverage.states import Coverage

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.tasks.covering import App, Picture, Target

ALIAS = "weanalysis_coverage"


@functools.lru_cache(1)
def snapshot_alias() -> AssetAlias:
    """Return the outlet of coverage tasks."""
    return AssetAlias(ALIAS)


def snapshot_outlets() -> list[AssetAlias]:
    """Return the outlets to add to a coverage task: none where Airflow has no page that would read the events."""
    return [snapshot_alias()] if hasattr(AirflowPlugin, "react_apps") else []


def snapshot_asset(project: str, dataset: str, dag_id: str, task_id: str) -> Asset:
    """Return the asset that stands for what one task knows of a dataset.

    Another task that checks other apps of the dataset has an asset of its own, so that neither hides the other.
    """
    path = "/".join(urllib.parse.quote(part, safe="") for part in (project, dataset, dag_id, task_id))
    return Asset(f"weanalysis://coverage/{path}")


def announce_snapshot(
    context: Mapping[str, Any],
    outlets: Iterable[object],
    now: dt.datetime,
    apps: Sequence[App],
    tables: Sequence[Target],
    picture: Picture,
) -> None:
    """Attach to the asset of each dataset what was found.

    :param context: Airflow's context.
    :param outlets: the task's outlets; without :func:`snapshot_alias` among them nothing is announced.
    :param now: aware; when the tables were asked.
    :param apps: the apps.
    :param tables: the tables.
    :param picture: what they say, one coverage per table.
    """
    if snapshot_alias() not in outlets:
        return
    ti, events = context["ti"], context["outlet_events"][snapshot_alias()]
    figures = read_figures(picture.figures)
    for (project, dataset), coverages in _by_dataset(tables, picture.coverages):
        known = {appid for coverage in coverages for appid in coverage.states}
        own = [snapshot.App(app.appid, app.name or "", app.ref.conn_id) for app in apps if app.appid in known]
        asset = snapshot_asset(project, dataset, ti.dag_id, ti.task_id)
        for extra in snapshot.snapshot(f"{project}.{dataset}", now, own, coverages, picture.slices, figures):
            events.add(asset, extra=extra)


def _by_dataset(
    tables: Iterable[Target], coverages: Iterable[Coverage]
) -> Iterator[tuple[tuple[str, str], list[Coverage]]]:
    """Yield each dataset with its endpoints' coverage; apps may have tables of their own."""
    found: dict[tuple[str, str], dict[str, Coverage]] = {}
    for table, coverage in zip(tables, coverages, strict=True):
        by_endpoint = found.setdefault((table.name.project, table.name.dataset), {})
        known = by_endpoint.get(coverage.endpoint.name, coverage)
        states = {**known.states, **coverage.states}
        by_endpoint[coverage.endpoint.name] = Coverage(coverage.endpoint, coverage.periods, states)
    for dataset, by_endpoint in found.items():
        yield dataset, [*by_endpoint.values()]
