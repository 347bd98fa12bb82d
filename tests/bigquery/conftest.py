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
from tests.support.proxy import Proxy

PAGES = ENDPOINTS["visit_page"]
#: What BigQuery says when others write to the same table.
CONTENTION = [
    "Could not serialize access to table p:d.t due to concurrent update",
    "Transaction is aborted due to concurrent update against table p:d.t",
    "Too many DML statements outstanding against table p:d.t, limit is 20.",
    "Job exceeded rate limits: Your table exceeded quota for table update operations",
]


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


def views(number: int, *numbers: int) -> Chunk:
    """A chunk: what the app has of a day, one page per number of views."""
    return chunk_of({day(1): page_rows(day(1), number, *numbers)})


def posted(proxy: Proxy) -> list[int]:
    """The numbers under which jobs were submitted, in order."""
    ids = [exchange.job_id for exchange in proxy.exchanges if exchange.method == "POST"]
    return [int(job_id.rsplit("_n")[1]) for job_id in ids if job_id]


@pytest.fixture
def held(dataset: str, read: Callable[..., list[dict[str, Any]]]) -> Callable[[], list[int]]:
    """The views that the table holds."""
    return lambda: sorted(row["page_visit_pv"] for row in read(f"{dataset}.visit_page"))


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
