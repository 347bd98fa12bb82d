"""Load one day of several endpoints of some apps with dlt, in one pipeline run; a task of a DAG runs it.

A dataset of its own for every set of apps: runs that share one would empty each other's staging tables.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

from tests.benchmarks.stopwatch import arguments

asked = arguments()
os.environ["EXTRACT__WORKERS"] = str(asked["concurrency"])
os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(max(20, 2 * asked["concurrency"]))  # 20 is dlt's own
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION"] = "true"  # local-bigquery reads no gzip

import dlt  # noqa: E402  after its configuration
from dlt.common.configuration.specs import GcpServiceAccountCredentials  # noqa: E402
from dlt.sources.helpers import requests  # noqa: E402
from google.auth.credentials import AnonymousCredentials  # noqa: E402

PROJECT = "bench"
KEYS = ["appid", "ref_date"]

client = requests.Client(max_connections=asked["concurrency"])  # keeps a session for each thread


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


credentials = GcpServiceAccountCredentials(project_id=PROJECT, private_key="none", client_email="nobody@example.com")
native = AnonymousCredentials()
anonymous = mock.patch.object(GcpServiceAccountCredentials, "to_native_credentials", return_value=native)
with anonymous, tempfile.TemporaryDirectory() as folder:
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=folder,
        destination=dlt.destinations.bigquery(credentials=credentials, project_id=PROJECT),
        dataset_name=asked["dataset"],
    )
    pipeline.extract([resource(endpoint) for endpoint in asked["endpoints"]], loader_file_format="jsonl")
    pipeline.normalize()
    pipeline.load(raise_on_failed_jobs=True)
    loaded = pipeline.last_trace.last_normalize_info.row_counts
assert all(loaded[endpoint["name"]] >= len(asked["appids"]) for endpoint in asked["endpoints"]), loaded
