"""Load one day of several endpoints of some apps with dlt, in one pipeline run; a task of a DAG runs it.

A dataset of its own for every set of apps: runs that share one would empty each other's staging tables.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.programs.dlt_bigquery import asked, client, dlt, load, new_pipeline

KEYS = ["appid", "ref_date"]


@functools.cache
def token(appid: str) -> str:
    found: str = client.get(asked["central_url"].format(appid=appid), timeout=60).json()["access_token"]
    return found


def rows_of(path: str, appid: str) -> list[dict[str, Any]]:
    body = {"begin_date": asked["day"], "end_date": asked["day"]}
    query = {"access_token": token(appid)}
    response = client.post(asked["url"] + path, params=query, json=body, timeout=60)
    return [{"appid": appid, "ref_date": asked["day"], **row} for row in response.json()["list"]]


def resource(endpoint: dict[str, Any]) -> Any:
    @dlt.resource(name=f"{endpoint['name']}_apps", selected=False)
    def apps() -> Iterator[str]:
        yield from asked["appids"]

    @dlt.transformer(
        data_from=apps, name=endpoint["name"], write_disposition="merge", primary_key=[*KEYS, *endpoint["keys"]]
    )
    @dlt.defer
    def rows(appid: str) -> list[dict[str, Any]]:
        return rows_of(endpoint["path"], appid)

    return rows


with new_pipeline(asked["dataset"]) as pipeline:
    loaded = load(pipeline, [resource(endpoint) for endpoint in asked["endpoints"]])
assert all(loaded[endpoint["name"]] >= len(asked["appids"]) for endpoint in asked["endpoints"]), loaded
