"""Airflow's context, as far as this package reads it."""

from __future__ import annotations

import datetime as dt
import uuid
from types import SimpleNamespace
from typing import Any


def run_context(start: dt.datetime | None, end: dt.datetime | None, **ti: Any) -> Any:
    """The part of Airflow's context that this package reads, for a scheduled run of an interval."""
    try:
        from airflow.sdk.execution_time.context import OutletEventAccessors
    except ImportError:  # Airflow 2
        from airflow.utils.context import OutletEventAccessors

    instance = {
        "dag_id": "dag",
        "task_id": "task",
        "run_id": f"run-{uuid.uuid4().hex}",
        "map_index": -1,
        "try_number": 1,
        "start_date": dt.datetime.now(dt.UTC),
    }
    return {
        "ti": SimpleNamespace(**{**instance, **ti}),
        "data_interval_start": start,
        "data_interval_end": end,
        "logical_date": start,
        "dag_run": SimpleNamespace(run_type="scheduled", run_after=end),
        "outlet_events": OutletEventAccessors(),
    }
