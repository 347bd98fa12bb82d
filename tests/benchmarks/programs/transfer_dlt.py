"""Load days from WeChat into BigQuery with dlt: deferred requests, JSONL load jobs, ``merge`` by primary key."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.programs.dlt_bigquery import asked, client, dlt, load, new_pipeline
from tests.benchmarks.stopwatch import Figures, clock, report

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


figures: Figures = {}
with new_pipeline(f"dlt_{uuid.uuid4().hex[:12]}") as pipeline:
    with clock(figures):
        loaded = load(pipeline, pages)
    figures["rows"] = loaded["pages"]
report(figures)
