"""Transfers between a WeChat server and a BigQuery server, both over real sockets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period, last_closed_day
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS, run_context


@pytest.fixture
def transfer(wechat_server: Any, connect: Callable[..., str], dataset: str) -> Callable[..., Any]:
    """Make a transfer of an endpoint into ``dataset.endpoint``; other arguments are the operator's."""

    def make(endpoint: str, *, appid: str | Sequence[str] = APPS[0], **arguments: Any) -> WeAnalysisToBigQueryOperator:
        conn_ids = [
            connect(wechat_server, each, f"app_{each}") for each in ([appid] if isinstance(appid, str) else appid)
        ]
        defaults = {
            "destination_project_dataset_table": f"{dataset}.{{endpoint}}",
            "weanalysis_conn_id": conn_ids[0] if isinstance(appid, str) else conn_ids,
            "gcp_conn_id": None,
            "lookback": 0,
        }
        return WeAnalysisToBigQueryOperator(task_id=f"load_{endpoint}", endpoint=endpoint, **{**defaults, **arguments})

    return make


@pytest.fixture
def load(transfer: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Load periods of an endpoint; other arguments are the operator's."""

    def run(
        endpoint: str,
        first: Period,
        last: Period | None = None,
        *,
        context: dict[str, Any] | None = None,
        rendered: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        task = transfer(endpoint, **arguments)
        for name, value in (rendered or {}).items():  # as Airflow does after rendering templates
            setattr(task, name, value)
        return task.execute(context or interval(first, last, task_id=task.task_id))

    return run


def interval(first: Period, last: Period | None = None, **ti: Any) -> dict[str, Any]:
    """The context of a run in which the periods from the first to the last are due."""
    return run_context(first.closes_at.subtract(minutes=1), (last or first).closes_at.add(minutes=1), **ti)


def latest(endpoint: str, back: int = 0) -> Period:
    """The latest period of an endpoint that has closed, or one before it."""
    window = ENDPOINTS[endpoint].window
    return window.earlier(window.latest(last_closed_day(dt.datetime.now(dt.UTC))), back)


def open_clients(task: WeAnalysisToBigQueryOperator) -> list[str]:
    """The apps to which an executed task has left connections open."""
    opened = {hook.label: hook._client for hook in (task._hooks or {}).values()}
    return [label for label, client in opened.items() if client and not client[1].closed]
