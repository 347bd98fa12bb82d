"""Which earlier periods are worth fetching again: those whose figures can have grown since they were loaded. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_wxanalysis.bigquery.chunks import Key

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.bigquery.destination import Contents
    from airflow_provider_wxanalysis.endpoints import Endpoint


def needed(
    candidates: Iterable[Key],
    found: Mapping[Key, Contents],
    endpoint: Endpoint,
    *,
    now: dt.datetime,
    ready_after: dt.timedelta,
) -> list[Key]:
    """Return the candidates to fetch: those not loaded, loaded twice, or grown since.

    :param candidates: AppID and period of what might be fetched again.
    :param found: what the table holds of them.
    :param endpoint: the catalogue's entry, which knows when figures grow.
    :param now: the time; aware.
    :param ready_after: how long after a period's end WeChat may take to publish it.
    """

    def worthwhile(key: Key) -> bool:
        held = found[key]
        return held.loads != 1 or bool(endpoint.grown_since(key[1], held.loaded_at, now, ready_after))

    return [key for key in candidates if worthwhile(key)]
