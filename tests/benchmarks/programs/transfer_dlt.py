"""Load days from WeChat into BigQuery with dlt: deferred requests, JSONL load jobs, ``merge`` by primary key.

dlt knows no anonymous credentials, so a service account's are patched to hand Google's client some;
BIGQUERY_EMULATOR_HOST is where that client goes.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any
from unittest import mock

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

asked = arguments()
os.environ["EXTRACT__WORKERS"] = str(asked["concurrency"])
os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(max(20, 2 * asked["concurrency"]))  # 20 is dlt's own
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION"] = "true"  # local-bigquery reads no gzip

import dlt  # noqa: E402  after its configuration
from dlt.common.configuration.specs import GcpServiceAccountCredentials  # noqa: E402
from dlt.destinations.impl.bigquery import bigquery  # noqa: E402, F401  what every load imports is not measured
from dlt.sources.helpers import requests  # noqa: E402
from google.auth.credentials import AnonymousCredentials  # noqa: E402

PROJECT = "bench"

client = requests.Client(max_connections=asked["concurrency"])  # keeps a session for each thread
((appid, token),) = asked["tokens"].items()


@dlt.resource
def days() -> Iterator[str]:
    last_day = dt.date.fromisoformat(asked["last_day"])
    for back in range(asked["days"]):
        yield f"{last_day - dt.timedelta(days=back):%Y%m%d}"


@dlt.transformer(data_from=days, write_disposition="merge", primary_key=["appid", "ref_date", "page_path"])
@dlt.defer
def pages(day: str) -> list[dict[str, Any]]:
    body = {"begin_date": day, "end_date": day}
    response = client.post(asked["url"] + asked["path"], params={"access_token": token}, json=body, timeout=60)
    return [{"appid": appid, "ref_date": day, **row} for row in response.json()["list"]]


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
        pipeline.extract(pages, loader_file_format="jsonl")
        pipeline.normalize()
        pipeline.load(raise_on_failed_jobs=True)
    figures["rows"] = pipeline.last_trace.last_normalize_info.row_counts["pages"]
report(figures)
