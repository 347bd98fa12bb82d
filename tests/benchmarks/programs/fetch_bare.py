"""Fetch days with nothing but a pool of threads and a requests session, as one would write it by hand."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

asked = arguments()
session = requests.Session()
session.mount("http://", HTTPAdapter(pool_maxsize=asked["concurrency"]))
last_day = dt.date.fromisoformat(asked["last_day"])
days = [last_day - dt.timedelta(days=back) for back in range(asked["days"])]
jobs = [(path, token, day) for token in asked["tokens"].values() for path in asked["paths"] for day in days]


def fetch(path: str, token: str, day: dt.date) -> int:
    body = {"begin_date": f"{day:%Y%m%d}", "end_date": f"{day:%Y%m%d}"}
    response = session.post(asked["url"] + path, params={"access_token": token}, json=body, timeout=60)
    response.raise_for_status()
    reply = response.json()
    return len(reply.get("list", ()))  # retention has none


figures: Figures = {}
with clock(figures), ThreadPoolExecutor(asked["concurrency"]) as pool:
    figures["rows"] = sum(pool.map(lambda job: fetch(*job), jobs))
report(figures)
