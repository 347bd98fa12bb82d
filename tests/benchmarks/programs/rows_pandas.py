"""Make flat rows of replies with ``pandas.json_normalize``, for as long as was asked."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pandas as pd

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

COHORTS = ("visit_uv_new", "visit_uv")
DIMENSIONS = ("province", "city", "genders", "platforms", "devices", "ages")

asked = arguments()
endpoint: str = asked["endpoint"]
bodies = [path.read_bytes() for path in sorted(Path(asked["folder"]).glob(f"{endpoint}.*.json"))]


def frames(reply: dict[str, Any]) -> list[pd.DataFrame]:
    if endpoint == "visit_page":
        return [pd.json_normalize(reply, "list", ["ref_date"])]
    if endpoint == "visit_distribution":
        return [pd.json_normalize(reply, ["list", "item_list"], ["ref_date", ["list", "index"]])]
    if endpoint.endswith("retain"):
        return [pd.json_normalize(reply, cohort, ["ref_date"]) for cohort in COHORTS]
    if endpoint.startswith("user_portrait"):
        paths = [[cohort, dimension] for cohort in COHORTS for dimension in DIMENSIONS]
        return [pd.json_normalize(reply, path, ["ref_date"]) for path in paths]
    if endpoint == "performance_data":
        tables = ["data", "body", "tables"]
        return [pd.json_normalize(reply, [*tables, "lines", "fields"], [[*tables, "id"], [*tables, "zh"]])]
    return [pd.json_normalize(reply["list"])]


figures: Figures = {"rows": 0}
with clock(figures):
    end = time.perf_counter() + asked["seconds"]
    while time.perf_counter() < end:
        for body in bodies:
            figures["rows"] += sum(map(len, frames(json.loads(body))))
figures["rows_per_second"] = figures["rows"] / figures["wall"]
report(figures)
