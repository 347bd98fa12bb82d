"""From reply bytes to the payload of a MERGE, by this package; with orjson or without."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

from airflow_provider_wxanalysis.bigquery import statements
from airflow_provider_wxanalysis.catalogue import json_text
from airflow_provider_wxanalysis.catalogue.json_text import parse
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.wechat.records import read
from tests.benchmarks.stopwatch import Figures, arguments, clock, report

asked = arguments()
if not asked["orjson"]:
    json_text.orjson = None  # type: ignore[assignment]
elif json_text.orjson is None:
    raise RuntimeError("orjson is not installed")
entry = ENDPOINTS[asked["endpoint"]]
bodies = [path.read_bytes() for path in sorted(Path(asked["folder"]).glob(f"{entry.name}.*.json"))]
periods = [Period(*map(dt.date.fromisoformat, dates)) for dates in asked["periods"]]

figures: Figures = {"rows": 0}
with clock(figures):
    ends_at = time.perf_counter() + asked["seconds"]
    while time.perf_counter() < ends_at:
        slices = []
        for body, period in zip(bodies, periods, strict=True):
            rows = read(entry, "wx00000000000000a1", period, parse(body), entry.selections[0]).rows
            slices.append(statements.encode(entry, period, rows))
            figures["rows"] += len(rows)
        for chunk in statements.pack(slices):
            assert chunk.payload
figures["rows_per_second"] = figures["rows"] / figures["wall"]
report(figures)
