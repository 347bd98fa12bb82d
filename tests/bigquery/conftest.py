"""Slices of a real table, written through the unmodified client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wxanalysis.bigquery import jobs as jobs_module
from airflow_provider_wxanalysis.bigquery import slices as slices_module
from airflow_provider_wxanalysis.bigquery.clients import bigquery_client
from airflow_provider_wxanalysis.bigquery.jobs import Jobs, TaskInstance
from airflow_provider_wxanalysis.bigquery.names import table_name
from airflow_provider_wxanalysis.bigquery.slices import Slices
from airflow_provider_wxanalysis.bigquery.statements import Chunk, encode, pack
from airflow_provider_wxanalysis.bigquery.tables import prepare_table
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from airflow_provider_wxanalysis.periods import Period

PAGES = ENDPOINTS["visit_page"]


def day(number: int) -> Period:
    date = dt.date(2026, 3, 1) + dt.timedelta(days=number - 1)
    return Period(date, date)


def page_rows(period: Period, *views: int, appid: str = "wxa") -> list[dict[str, Any]]:
    """Rows of visit_page: one page per number of views."""
    return [
        {
            "appid": appid,
            "begin_date": period.begin_date.isoformat(),
            "end_date": period.end_date.isoformat(),
            "ref_date": f"{period.begin_date:%Y%m%d}",
            **dict.fromkeys((column.name for column in PAGES.columns), None),
            "page_rank": rank,
            "page_path": f"pages/页面{rank}",
            "page_visit_pv": pv,
            "page_staytime_pv": pv / 3,
            "_extra": None,
        }
        for rank, pv in enumerate(views, start=1)
    ]


def chunk_of(slices: dict[Period, list[dict[str, Any]]], endpoint: Endpoint = PAGES) -> Chunk:
    (chunk,) = pack(encode(endpoint, period, rows) for period, rows in slices.items())
    return chunk


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make the writer's pauses cost nothing, and tell which there were."""
    pauses: list[float] = []
    monkeypatch.setattr(jobs_module, "sleep", pauses.append)
    monkeypatch.setattr(slices_module, "sleep", pauses.append)
    return pauses


@pytest.fixture
def client(bigquery_url: str | None, project: str) -> Callable[[], Any]:
    """Make a client for the BigQuery that the environment names now."""

    def make() -> Any:
        return bigquery_client(
            gcp_conn_id=None, project_id=project, fallback_project=project, location=None, impersonation_chain=None
        )

    return make


@pytest.fixture
def prepare(client: Callable[[], Any], dataset: str) -> Callable[..., Any]:
    """Prepare the table of an endpoint in the test's dataset."""

    def make(endpoint: Endpoint = PAGES, name: str | None = None, **options: Any) -> Any:
        settings = {"create_dataset": False, "location": None, "labels": {}, "encryption_configuration": None}
        table = table_name(name or f"{dataset}.{endpoint.name}", appid="wxa", endpoint=endpoint.name)
        return prepare_table(client(), table, endpoint, **{**settings, **options})

    return make


@pytest.fixture
def writer(client: Callable[[], Any], prepare: Callable[..., Any], dataset: str) -> Callable[..., Slices]:
    """Make a writer of visit_page: one try of one task instance."""

    def make(run_id: str = "run", try_number: int = 1, appid: str = "wxa") -> Slices:
        table = prepare()
        instance = TaskInstance(dataset, run_id, "task", -1, try_number)
        name = table_name(f"{dataset}.{PAGES.name}", appid="wxa", endpoint=PAGES.name)
        return Slices(Jobs(client(), table.location, instance), name, PAGES, appid, run_id)

    return make
