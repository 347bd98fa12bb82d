"""Transfers between a WeChat server and a BigQuery server, both over real sockets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period, last_closed_day
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS, run_context


@pytest.fixture
def load(wechat_server: Any, connect: Callable[..., str], dataset: str) -> Callable[..., dict[str, Any]]:
    """Load periods of an endpoint into ``dataset.endpoint``; other arguments are the operator's."""

    def run(
        endpoint: str,
        first: Period,
        last: Period | None = None,
        *,
        appid: str = APPS[0],
        context: dict[str, Any] | None = None,
        rendered: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        defaults = {
            "destination_project_dataset_table": f"{dataset}.{{endpoint}}",
            "gcp_conn_id": None,
            "lookback": 0,
        }
        task = WeAnalysisToBigQueryOperator(
            task_id=f"load_{endpoint}",
            endpoint=endpoint,
            weanalysis_conn_id=connect(wechat_server, appid, f"app_{appid}"),
            **{**defaults, **arguments},
        )
        for name, value in (rendered or {}).items():  # as Airflow does after rendering templates
            setattr(task, name, value)
        # The interval that owns the periods from the first to the last.
        start, end = first.closes_at.subtract(minutes=1), (last or first).closes_at.add(minutes=1)
        try:
            return task.execute(context or run_context(start, end, task_id=task.task_id))
        finally:
            task.hook.close()

    return run


def latest(endpoint: str, back: int = 0) -> Period:
    """The latest period of an endpoint that has closed, or one before it."""
    window = ENDPOINTS[endpoint].window
    return window.earlier(window.latest(last_closed_day(dt.datetime.now(dt.UTC))), back)
