"""dlt, set up to load into local-bigquery: what the programs that load with it share.

dlt knows no anonymous credentials, so a service account's are patched to hand Google's client some;
BIGQUERY_EMULATOR_HOST is where that client goes.
"""

from __future__ import annotations

import contextlib
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
from dlt.destinations.impl.bigquery import bigquery  # noqa: E402, F401  what every load imports is not measured
from dlt.sources.helpers import requests  # noqa: E402
from google.auth.credentials import AnonymousCredentials  # noqa: E402

_PROJECT = "bench"
client = requests.Client(max_connections=asked["concurrency"])  # keeps a session for each thread


@contextlib.contextmanager
def new_pipeline(dataset: str) -> Iterator[Any]:
    """Make a pipeline that knows of no earlier run."""
    credentials = GcpServiceAccountCredentials(project_id=_PROJECT, private_key="none", client_email="x@example.com")
    native = AnonymousCredentials()
    anonymous = mock.patch.object(GcpServiceAccountCredentials, "to_native_credentials", return_value=native)
    with anonymous, tempfile.TemporaryDirectory() as folder:
        destination = dlt.destinations.bigquery(credentials=credentials, project_id=_PROJECT)
        yield dlt.pipeline("bench", pipelines_dir=folder, destination=destination, dataset_name=dataset)


def load(pipeline: Any, source: Any) -> dict[str, int]:
    """Load everything and return how many rows each resource had."""
    pipeline.extract(source, loader_file_format="jsonl")
    pipeline.normalize()
    pipeline.load(raise_on_failed_jobs=True)
    counts: dict[str, int] = pipeline.last_trace.last_normalize_info.row_counts
    return counts
