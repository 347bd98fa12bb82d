"""Load days from WeChat into BigQuery with dlt: deferred requests, JSONL load jobs, ``merge`` by primary key.

dlt knows no anonymous credentials, so a service account's are patched to hand Google's client some;
BIGQUERY_EMULATOR_HOST tells that client where to go.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import Any
from unittest import mock

from tests.benchmarks.stopwatch import Figures, arguments, clock, peak, report

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

client = requests.Client(max_connections=asked["concurrency"])  # keeps a session for each thread
last_day = dt.date.fromisoformat(asked["last_day"])


def table(path: str) -> Any:
    """Return the resource that loads one endpoint into a table of its own."""

    @dlt.resource(name=f"days_{path.rpartition('/')[2]}")
    def days() -> Iterator[dict[str, str]]:
        for appid, token in asked["tokens"].items():
            for back in range(asked["days"]):
                yield {"appid": appid, "token": token, "date": f"{last_day - dt.timedelta(days=back):%Y%m%d}"}

    @dlt.transformer(
        name=path.rpartition("/")[2],
        data_from=days,
        write_disposition="merge",
        primary_key=["appid", *asked["primary_key"]],
    )
    @dlt.defer
    def rows(day: dict[str, str]) -> list[dict[str, Any]]:
        body = {"begin_date": day["date"], "end_date": day["date"]}
        response = client.post(asked["url"] + path, params={"access_token": day["token"]}, json=body, timeout=60)
        return [{"appid": day["appid"], "ref_date": day["date"], **row} for row in response.json()["list"]]

    return rows


credentials = GcpServiceAccountCredentials(project_id=PROJECT, private_key="none", client_email="nobody@example.com")
figures: Figures = {}
native = AnonymousCredentials()
anonymous = mock.patch.object(GcpServiceAccountCredentials, "to_native_credentials", return_value=native)
with anonymous, tempfile.TemporaryDirectory() as folder:
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=folder,
        destination=dlt.destinations.bigquery(credentials=credentials, project_id=PROJECT),
        dataset_name=f"dlt_{uuid.uuid4().hex[:12]}",
    )
    with clock(figures):
        begun = time.perf_counter()
        pipeline.extract([table(path) for path in asked["paths"]], loader_file_format="jsonl")
        extracted = time.perf_counter()
        pipeline.normalize()
        normalized = time.perf_counter()
        pipeline.load(raise_on_failed_jobs=True)
    figures["extract"], figures["normalize"] = extracted - begun, normalized - extracted
    counts = pipeline.last_trace.last_normalize_info.row_counts
    figures["rows"] = sum(counts[path.rpartition("/")[2]] for path in asked["paths"])
figures["peak"] = peak()
report(figures)
