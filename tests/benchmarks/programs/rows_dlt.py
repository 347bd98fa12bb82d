"""Make normalized rows of replies with dlt, and load them as JSONL files into a folder.

Only for endpoints whose rows are a plain list; it repeats the replies until it has enough.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt

WANTED = 73_000

asked = arguments()
endpoint: str = asked["endpoint"]
bodies = [path.read_bytes() for path in sorted(Path(asked["folder"]).glob(f"{endpoint}.*.json"))]
figures: Figures = {"rows": 0}


@dlt.resource(name=endpoint)
def rows() -> Iterator[list[dict[str, Any]]]:
    while True:
        for body in bodies:
            if figures["rows"] >= WANTED:
                return
            reply = json.loads(body)
            found = [{"ref_date": reply.get("ref_date"), **row} for row in reply["list"]]
            figures["rows"] += len(found)
            yield found


with tempfile.TemporaryDirectory() as folder:
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=f"{folder}/pipelines",
        destination=dlt.destinations.filesystem(Path(folder, "out").as_uri()),
        dataset_name="wechat",
    )
    with clock(figures):
        pipeline.extract(rows, loader_file_format="jsonl")
        pipeline.normalize()
        pipeline.load(raise_on_failed_jobs=True)
figures["rows_per_second"] = figures["rows"] / figures["wall"]
report(figures)
