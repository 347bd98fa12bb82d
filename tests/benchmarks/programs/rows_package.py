"""From reply bytes to the payload of a MERGE, by this package: typed decoding, or all value by value."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

from airflow_provider_wxanalysis.bigquery import chunks
from airflow_provider_wxanalysis.catalogue.json_text import parse
from airflow_provider_wxanalysis.catalogue.typed import decode
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.wechat.records import read
from tests.benchmarks.stopwatch import Figures, arguments, clock, report

APPID = "wx00000000000000a1"

asked = arguments()
entry = ENDPOINTS[asked["endpoint"]]
bodies = [path.read_bytes() for path in sorted(Path(asked["folder"]).glob(f"{entry.name}.*.json"))]
periods = [Period(*map(dt.date.fromisoformat, dates)) for dates in asked["periods"]]

figures: Figures = {"rows": 0}
with clock(figures):
    ends_at = time.perf_counter() + asked["seconds"]
    while time.perf_counter() < ends_at:
        slices = []
        for body, period in zip(bodies, periods, strict=True):
            reply = (decode(entry, body) if asked["typed"] else None) or parse(body)
            rows = read(entry, APPID, period, reply, entry.selections[0]).rows
            slices.append(chunks.encode(entry, APPID, period, rows))
            figures["rows"] += len(rows)
        for chunk in chunks.pack(slices):
            assert chunk.payload
figures["rows_per_second"] = figures["rows"] / figures["wall"]
report(figures)
