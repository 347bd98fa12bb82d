"""The documented samples, changed in places, and read in both ways that the package has."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from airflow_provider_wxanalysis.catalogue import typed
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import PayloadError
from airflow_provider_wxanalysis.wechat import records
from airflow_provider_wxanalysis.wechat.records import Report
from tests.support.samples import period, sample

APPID = "wx00000000000000a1"
SELECTION = {"module": "10022", "network_type": "wifi", "device_level": "1", "device": "1"}
MISSING = object()
TREND, RETAIN, PAGE, SPREAD = "daily_visit_trend", "daily_retain", "visit_page", "visit_distribution"
NEW, ALL = "visit_uv_new", "visit_uv"
SOURCE, DEPTH = "access_source_session_cnt", "access_depth_info"
BY_SOURCE = ("访问来源分布（打开次数）", "Openings by source")
#: Where performance_data keeps its figures.
BODY, TABLES, LINES = "data.body", "data.body.tables", "data.body.tables.0.lines"
FIELDS = f"{LINES}.0.fields"


def find(reply: Any, path: str) -> tuple[Any, Any]:
    """The container and the last step of a place spelled ``list.0.key``."""
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    return reduce(operator.getitem, parents, reply), last


def changed(name: str, places: dict[str, Any]) -> Any:
    """The endpoint's sample with some places set to a value, or removed."""
    reply = sample(name)
    for path, value in places.items():
        container, last = find(reply, path)
        if value is MISSING:
            del container[last]
        else:
            container[last] = value
    return reply


def read(name: str, reply: Any, last_day: str | None = None) -> Report:
    """Read it value by value and, where it is decoded as typed structures too, see that both come to the same."""
    entry, asked = ENDPOINTS[name], period(name, last_day)
    decoded = typed.decode(entry, json.dumps(reply, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    outcomes = [
        outcome(partial(records.read, entry, APPID, asked, form, SELECTION if "performance" in name else None))
        for form in (reply, decoded)
        if form is not None
    ]
    assert len({repr(found) for found in outcomes}) == 1
    if isinstance(outcomes[0], PayloadError):
        raise outcomes[0]
    return outcomes[0]


def outcome(reading: Callable[[], Report]) -> Report | PayloadError:
    try:
        return reading()
    except PayloadError as error:
        return error


def own(name: str, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in ENDPOINTS[name].columns)
