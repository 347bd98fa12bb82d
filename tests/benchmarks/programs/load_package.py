"""Load days of one app or many with this package's operator, in one task: its phases and its memory."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

from airflow_provider_wxanalysis.bigquery.destination import Destination
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.tasks import intake, loading
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from airflow_provider_wxanalysis.wechat import client, records  # noqa: F401  imports are not measured here
from tests.benchmarks.stopwatch import Figures, arguments, clock, new_dataset, peak, report
from tests.support.contexts import run_context

asked = arguments()
figures: Figures = {"transform": 0.0, "load": 0.0}


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Add up what ``function`` takes."""

    def call(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            figures[name] += time.perf_counter() - started

    return call


def fetching(function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Note how long it took until the last period was handed over."""

    def call(*args: Any, **kwargs: Any) -> Iterator[Any]:
        started = time.perf_counter()
        yield from function(*args, **kwargs)
        figures["fetch"] = time.perf_counter() - started

    return call


records.read = timed("transform", records.read)
intake.encode = timed("transform", intake.encode)
loading.ask_all = fetching(loading.ask_all)
Destination.replace = timed("load", Destination.replace)
last_day = dt.date.fromisoformat(asked["last_day"])
task = WeAnalysisToBigQueryOperator(
    task_id="load",
    endpoint=asked["endpoint"],
    **asked["apps"],
    gcp_conn_id=None,
    destination_project_dataset_table=f"{asked.get('dataset') or new_dataset()}.{{endpoint}}",
    create_dataset=True,
    from_date=str(last_day - dt.timedelta(days=asked["days"] - 1)),
    to_date=str(last_day),
)
now = dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time(12), tzinfo=SHANGHAI)
with clock(figures):
    summary = task.execute(run_context(now, now))
figures["rows"], figures["merges"], figures["peak"] = summary["rows"], len(summary["load_ids"]), peak()
report(figures)
