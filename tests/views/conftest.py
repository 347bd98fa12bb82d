"""A dataset with everything of two apps over sixty days, some of it deleted, and all views."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest

from airflow_provider_wxanalysis.bigquery.ledger import Ledger
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.operators.views import WeAnalysisViewsOperator
from airflow_provider_wxanalysis.periods import MONTH, WEEK, last_closed_day
from airflow_provider_wxanalysis.testing import WeChatServer
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from airflow_provider_wxanalysis.views.definitions import NAMES
from tests.conftest import APPS, run_context

YESTERDAY = last_closed_day(dt.datetime.now(dt.UTC))
FIRST = YESTERDAY - dt.timedelta(days=59)
ONE_DAY = dt.timedelta(days=1)
APP_NAMES = {APPS[0]: "商店", APPS[1]: None}
#: Deleted on purpose: comparisons with these days must be NULL.
HOLES = {"daily_visit_trend": YESTERDAY - 20 * ONE_DAY, "visit_distribution": YESTERDAY - 9 * ONE_DAY,
         "performance_data": YESTERDAY - 8 * ONE_DAY}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(bq, project):
    """A dataset with everything of two apps over sixty days, and all views."""
    name = f"{project}.v_{uuid.uuid4().hex[:12]}"
    bq.create_dataset(name)
    with pytest.MonkeyPatch.context() as patch, WeChatServer(published_at=dt.time(0), pages=12) as server:
        for appid in APPS:
            patch.setenv(f"AIRFLOW_CONN_V_{appid.upper()}", json.dumps(server.connection(appid)))
        for endpoint in ENDPOINTS.values():
            for appid in APPS:
                load(name, endpoint, appid)
    for table, day in HOLES.items():
        bq.query_and_wait(f"DELETE FROM `{name}.{table}` WHERE begin_date = DATE '{day}'")
    Ledger(bq, project, name.removeprefix(f"{project}.")).record_names(APP_NAMES)
    views = WeAnalysisViewsOperator(
        task_id="views", destination=name, gcp_conn_id=None, empty_is_ready_after=dt.timedelta(0)
    ).execute(run_context(None, None))
    assert views == {"dataset": name, "views": list(NAMES), "skipped": {}}
    yield name
    bq.delete_dataset(name, delete_contents=True, not_found_ok=True)


def load(dataset, endpoint, appid):
    first = YESTERDAY if endpoint.reach_days else FIRST
    if endpoint.window in (WEEK, MONTH):
        first = endpoint.window.containing(first).begin_date
    last = endpoint.window.latest(YESTERDAY)
    first = last.begin_date if endpoint.reach_days else first
    WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint=endpoint.name,
        destination_project_dataset_table=f"{dataset}.{{endpoint}}",
        weanalysis_conn_id=f"v_{appid}",
        from_date=str(first),
        to_date=str(last.end_date),
        lookback=0,
        gcp_conn_id=None,
        empty_is_ready_after=dt.timedelta(0),
    ).execute(run_context(None, dt.datetime.now(dt.UTC)))


@pytest.fixture(scope="module")
def rows(bq, loaded):
    """The rows of a table or view."""

    def read(name):
        return [dict(row) for row in bq.query_and_wait(f"SELECT * FROM `{loaded}.{name}`")]

    return read
