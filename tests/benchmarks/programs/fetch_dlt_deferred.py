"""Fetch days with a dlt transformer whose requests are deferred to dlt's extract workers; rows go nowhere."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

asked = arguments()
os.environ["EXTRACT__WORKERS"] = str(asked["concurrency"])
os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(max(20, 2 * asked["concurrency"]))  # 20 is dlt's own
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt  # noqa: E402  after its configuration
from dlt.sources.helpers import requests  # noqa: E402

client = requests.Client(max_connections=asked["concurrency"])  # keeps a session for each thread
last_day = dt.date.fromisoformat(asked["last_day"])


@dlt.resource
def days() -> Iterator[dict[str, str]]:
    for token in asked["tokens"].values():
        for path in asked["paths"]:
            for back in range(asked["days"]):
                yield {"path": path, "token": token, "date": f"{last_day - dt.timedelta(days=back):%Y%m%d}"}


@dlt.transformer(data_from=days)
@dlt.defer
def rows(day: dict[str, str]) -> list[dict[str, Any]]:
    body = {"begin_date": day["date"], "end_date": day["date"]}
    response = client.post(asked["url"] + day["path"], params={"access_token": day["token"]}, json=body, timeout=60)
    found: list[dict[str, Any]] = response.json()["list"]
    return found


figures: Figures = {}
with clock(figures):
    figures["rows"] = sum(1 for _ in rows)
report(figures)
