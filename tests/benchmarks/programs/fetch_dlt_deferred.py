"""Fetch days with a dlt transformer whose requests are deferred to dlt's extract workers; rows go nowhere."""

from __future__ import annotations

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


@dlt.resource
def days() -> Iterator[dict[str, Any]]:
    for token in asked["tokens"].values():
        for endpoint in asked["endpoints"]:
            for body in endpoint["bodies"]:
                yield {"path": endpoint["path"], "token": token, "body": body}


@dlt.transformer(data_from=days)
@dlt.defer
def rows(day: dict[str, Any]) -> list[dict[str, Any]]:
    url, query = asked["url"] + day["path"], {"access_token": day["token"]}
    response = client.post(url, params=query, json=day["body"], timeout=60)
    found: list[dict[str, Any]] = response.json().get("list", [])  # retention and performance have none
    return found


figures: Figures = {}
with clock(figures):
    figures["rows"] = sum(1 for _ in rows)
report(figures)
