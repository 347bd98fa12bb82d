"""Fetch days with nothing but a pool of threads and a requests session, as one would write it by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

asked = arguments()
session = requests.Session()
session.mount("http://", HTTPAdapter(pool_maxsize=asked["concurrency"]))
jobs = [
    (token, endpoint["path"], body)
    for token in asked["tokens"].values()
    for endpoint in asked["endpoints"]
    for body in endpoint["bodies"]
]


def fetch(token: str, path: str, body: dict[str, Any]) -> int:
    response = session.post(asked["url"] + path, params={"access_token": token}, json=body, timeout=60)
    response.raise_for_status()
    reply = response.json()
    return len(reply.get("list", ()))  # retention and performance have none


figures: Figures = {}
with clock(figures), ThreadPoolExecutor(asked["concurrency"]) as pool:
    figures["rows"] = sum(pool.map(lambda job: fetch(*job), jobs))
report(figures)
