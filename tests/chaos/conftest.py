"""A WeChat whose figures change with every reply, a BigQuery, and what must be in it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.bigquery.tables import new_table
from airflow_provider_wxanalysis.catalogue.columns import LOAD
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.wechat import records
from tests.chaos.workers import Load
from tests.conftest import APPS, in_order
from tests.support.proxy import Proxy, recording_proxy

PAGES = ENDPOINTS["visit_page"]
LOAD_COLUMNS = tuple(column.name for column in LOAD)


def days(first: int, last: int) -> list[Period]:
    """Days of March 2025."""
    return [Period(dt.date(2025, 3, day), dt.date(2025, 3, day)) for day in range(first, last + 1)]


class Route(NamedTuple):
    """The proxies that one worker goes through."""

    bigquery: Proxy
    wechat: Proxy


class Truth:
    """What WeChat said, to be compared with what BigQuery holds.

    Every reply has figures of its own, so that a stale row, a doubled one or a mixed slice shows.
    """

    def __init__(self, server: Any, bq: Any, apps: Iterable[str], periods: Iterable[Period]) -> None:
        self._server = server
        self._bq = bq
        self._numbers = itertools.count(1)
        self.watch(apps, periods)

    def watch(self, apps: Iterable[str], periods: Iterable[Period]) -> None:
        """Make every reply for these slices one of a kind."""
        for app, period in itertools.product(apps, periods):
            self._server.override(PAGES.name, app, period.begin_date, self._new_figures)

    def said(self, app: str, period: Period) -> list[list[dict[str, Any]]]:
        """Return the rows of each reply for a slice, the latest last."""
        key = (PAGES.name, app, period.begin_date.isoformat(), period.end_date.isoformat())
        return [in_order(records.read(PAGES, app, period, reply).rows) for reply in list(self._server.served[key])]

    def held(self, table: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Return the rows of each slice of a table, load columns included."""
        found = defaultdict(list)
        for row in self._bq.query_and_wait(f"SELECT * FROM `{table}`"):
            plain = {**row, "begin_date": row["begin_date"].isoformat(), "end_date": row["end_date"].isoformat()}
            found[plain["appid"], plain["begin_date"]].append(plain)
        return dict(found)

    def check(self, table: str, slices: Iterable[tuple[str, Period]], *, latest: bool = True) -> None:
        """See that a table holds these slices and nothing else, each as WeChat said it in one reply.

        :param latest: whether it has to be the latest reply; else any will do, and a slice may be missing.
        """
        held, slices = self.held(table), list(slices)
        strangers = set(held) - {(app, str(period)) for app, period in slices}
        assert not strangers
        for app, period in slices:
            rows = held.get((app, str(period)), [])
            said = self.said(app, period)
            assert len({row["_load_id"] for row in rows}) <= 1, "one load per slice"
            for row in rows:
                for name in LOAD_COLUMNS:
                    row.pop(name)
            if latest:
                assert in_order(rows) == said[-1]
            else:
                assert not rows or in_order(rows) in said

    def _new_figures(self, reply: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            **reply,
            "list": [{**item, "page_visit_pv": number * 10 + rank} for rank, item in enumerate(reply["list"])],
        }


@pytest.fixture
def wechat_server_options() -> dict[str, Any]:
    return {"pages": 3, "now": dt.datetime(2025, 4, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=8)))}


@pytest.fixture
def truth(wechat_server: Any, bq: Any) -> Truth:
    return Truth(wechat_server, bq, APPS, days(1, 12))


@pytest.fixture
def route(bigquery_url: str | None, wechat_server: Any) -> Callable[[], Any]:
    """Make proxies in front of both servers."""
    if bigquery_url is None:
        pytest.skip("the proxy stands in front of the local server only")

    @contextmanager
    def make() -> Iterator[Route]:
        with recording_proxy(bigquery_url) as bigquery, recording_proxy(wechat_server.url) as wechat:
            yield Route(bigquery, wechat)

    return make


@pytest.fixture
def load(wechat_server: Any, bigquery_url: str | None) -> Callable[..., Load]:
    """Describe a load of days ``first`` to ``last``, through proxies if a route is given."""

    def make(
        table: str,
        first: int,
        last: int,
        *,
        app: str | tuple[str, ...] = APPS[0],
        route: Route | None = None,
        **options: Any,
    ) -> Load:
        host = route.wechat.url if route else wechat_server.url
        apps = (app,) if isinstance(app, str) else app
        connections = tuple({**wechat_server.connection(each), "host": host} for each in apps)
        bigquery = route.bigquery.url if route else bigquery_url
        (begin,), (end,) = days(first, first), days(last, last)
        return Load(connections, bigquery or "", table, begin, end, **options)

    return make


def tables(bq: Any, dataset: str) -> set[str]:
    """Return the names of all tables of a dataset."""
    return {f"{dataset}.{table.table_id}" for table in bq.list_tables(dataset)}


def make_table(bq: Any, table: str) -> None:
    """Make a table for the loads: local-bigquery, while it makes one, shows it to others without columns."""
    bq.create_table(new_table(TableName(*table.split(".")), PAGES, {}, None))
