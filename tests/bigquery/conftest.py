"""Slices of a real table, written through the unmodified client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_wxanalysis.bigquery.calls import Calls
from airflow_provider_wxanalysis.bigquery.chunks import Chunk, Key, encode, pack
from airflow_provider_wxanalysis.bigquery.clients import bigquery_client
from airflow_provider_wxanalysis.bigquery.destination import Destination, open_destination
from airflow_provider_wxanalysis.bigquery.identity import TaskIdentity
from airflow_provider_wxanalysis.bigquery.names import table_name
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


def chunk_of(slices: dict[Period, list[dict[str, Any]]], appid: str = "wxa") -> Chunk:
    """One app's slices of visit_page."""
    return chunk_of_apps({(appid, period): rows for period, rows in slices.items()})


def chunk_of_apps(slices: dict[Key, list[dict[str, Any]]]) -> Chunk:
    """Slices of visit_page of several apps."""
    (chunk,) = pack(encode(PAGES, appid, period, rows) for (appid, period), rows in slices.items())
    return chunk


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make the writer's pauses cost nothing, and show which there were."""
    pauses: list[float] = []
    monkeypatch.setattr(Calls, "pause", lambda self, seconds: pauses.append(seconds) if seconds else None)
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
        settings: dict[str, Any] = {"create_dataset": False, "location": None, "labels": {}}
        settings["encryption_configuration"] = None
        table = table_name(name or f"{dataset}.{endpoint.name}", appid="wxa", endpoint=endpoint.name)
        return prepare_table(client(), table, endpoint, **{**settings, **options})

    return make


def identity(dag_id: str = "dag", run_id: str = "run", try_number: int = 1, **others: Any) -> TaskIdentity:
    """One try of one task instance."""
    fields = {"task_id": "task", "map_index": -1, "started_at": dt.datetime.now(dt.UTC), **others}
    return TaskIdentity(dag_id, run_id, try_number=try_number, **fields)


@pytest.fixture
def writer(bigquery_url: str | None, dataset: str) -> Iterator[Callable[..., Destination]]:
    """Make a writer of visit_page: one try of one task instance; arguments are its identity's."""
    opened = []

    def make(run_id: str = "run", try_number: int = 1, **others: Any) -> Destination:
        name = table_name(f"{dataset}.{PAGES.name}", appid="wxa", endpoint=PAGES.name)
        who = identity(dataset, run_id, try_number, **others)
        opened.append(open_destination(name, PAGES, identity=who))
        return opened[-1]

    yield make
    for destination in opened:
        destination.close()
