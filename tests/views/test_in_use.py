"""``report_coverage`` of a dataset that has some endpoints only: the others are not missing."""

from __future__ import annotations

from collections import Counter

from airflow_provider_wxanalysis.bigquery.ledger import Ledger
from airflow_provider_wxanalysis.bigquery.names import table_name
from airflow_provider_wxanalysis.bigquery.tables import new_table
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.operators.views import WeAnalysisViewsOperator
from airflow_provider_wxanalysis.periods import Period
from tests.conftest import APPS, run_context
from tests.views.conftest import ONE_DAY, YESTERDAY

FIRST = YESTERDAY - 4 * ONE_DAY


def test_only_endpoints_that_some_app_has_are_expected(bq, dataset):
    for name in ("daily_summary", "user_portrait", "user_portrait_7d", "visit_page", "performance_data"):
        bq.create_table(new_table(table_name(f"{dataset}.{name}", appid="", endpoint=name), ENDPOINTS[name], {}, None))
    values = ", ".join(
        f"('{appid}', DATE '{day}', DATE '{day}', '{day:%Y%m%d}', 'one load', TIMESTAMP '{YESTERDAY} 12:00:00+00')"
        for appid, day in ((APPS[0], FIRST), (APPS[0], FIRST + ONE_DAY), (APPS[1], FIRST + ONE_DAY))
    )
    columns = "appid, begin_date, end_date, ref_date, _load_id, _loaded_at"
    bq.query_and_wait(f"INSERT INTO `{dataset}.daily_summary` ({columns}) VALUES {values}")
    for endpoint in (ENDPOINTS["visit_page"], ENDPOINTS["performance_data"]):
        Ledger(bq, *dataset.split(".")).record_empty(endpoint.label, [(APPS[0], Period(FIRST, FIRST))], "run")
    WeAnalysisViewsOperator(task_id="views", destination=dataset, gcp_conn_id=None, views=["report_coverage"]).execute(
        run_context(None, None)
    )

    rows = [*bq.query_and_wait(f"SELECT * FROM `{dataset}.report_coverage`")]
    assert Counter((row.appid, row.endpoint) for row in rows) == {
        (APPS[0], "daily_summary"): 5,
        (APPS[0], "visit_page"): 5,
        (APPS[0], "performance_data"): 5,
        (APPS[1], "daily_summary"): 4,
        (APPS[1], "visit_page"): 4,
        (APPS[1], "performance_data"): 4,
    }
    states = {(row.appid, row.endpoint, row.begin_date): row.state for row in rows}
    assert states[APPS[0], "visit_page", FIRST] == states[APPS[0], "performance_data", FIRST] == "empty"
    assert states[APPS[1], "visit_page", FIRST + ONE_DAY] == "missing"
