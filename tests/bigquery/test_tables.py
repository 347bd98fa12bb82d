"""The table is made when missing, widened when narrow, and refused when it is another's."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re

import pytest
from google.cloud.bigquery import SchemaField, Table

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, resolve
from airflow_provider_wxanalysis.exceptions import DestinationError
from airflow_provider_wxanalysis.periods import Period
from tests.bigquery.conftest import PAGES, chunk_of, day, page_rows
from tests.support.proxy import api_error

COLUMNS = [SchemaField(column.name, column.type, column.mode) for column in PAGES.table_columns]


def make(bq, dataset, schema, **attributes):
    table = Table(f"{dataset}.visit_page", schema=schema)
    for name, value in attributes.items():
        setattr(table, name, value)
    return bq.create_table(table)


def without(*names):
    return [field for field in COLUMNS if field.name not in names]


def test_missing_columns_are_added_as_nullable(proxy, prepare, writer, bq, dataset, read):
    make(bq, dataset, [*without("page_share_uv", "_extra", "_load_id"), SchemaField("mine", "STRING")])
    prepare()
    (patch,) = [exchange for exchange in proxy.exchanges if exchange.method == "PATCH"]
    added = {field["name"]: field for field in patch.body["schema"]["fields"]}
    for name in ("page_share_uv", "_extra", "_load_id"):
        assert added[name]["mode"] == "NULLABLE"
        assert added[name]["description"]
    assert "mine" in added, "a column of the user's own stays"
    assert patch.headers["If-Match"]
    writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert read(f"{dataset}.visit_page")[0]["mine"] is None


def test_a_fitting_table_is_not_touched(proxy, prepare):
    prepare()
    proxy.exchanges.clear()
    prepare()
    assert [exchange.method for exchange in proxy.exchanges] == ["GET"]


def test_a_table_changed_meanwhile_is_read_again(proxy, prepare, bq, dataset):
    make(bq, dataset, without("page_rank"))
    refusals = [api_error(412, "conditionNotMet", "Precondition check failed.")]
    proxy.rules.append(lambda e: refusals.pop() if e.method == "PATCH" and refusals else None)
    prepare()
    assert "page_rank" in {field.name for field in bq.get_table(f"{dataset}.visit_page").schema}


def test_a_table_that_keeps_changing_is_given_up(proxy, prepare, bq, dataset):
    make(bq, dataset, without("page_rank"))
    proxy.rules.append(lambda e: api_error(412, "conditionNotMet", "Precondition") if e.method == "PATCH" else None)
    with pytest.raises(DestinationError, match="kept changing"):
        prepare()


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (without("appid"), r"column appid is missing \(STRING REQUIRED\)"),
        (without("begin_date", "end_date"), "column begin_date is missing .*; column end_date is missing"),
        (
            [*COLUMNS, SchemaField("mine", "STRING", "REQUIRED")],
            "column mine is REQUIRED without a DEFAULT, and nothing fills it",
        ),
        (
            [*without("page_rank"), SchemaField("page_rank", "STRING")],
            "column page_rank must be INT64, got STRING",
        ),
        (
            [*without("page_path"), SchemaField("page_path", "STRING", "REPEATED")],
            "page_path must be STRING, got REPEATED STRING",
        ),
        (
            [*without("page_rank"), SchemaField("page_rank", "INT64", "REQUIRED")],
            "page_rank must be NULLABLE, got REQUIRED: WeChat may",
        ),
    ],
)
def test_a_table_of_another_shape_is_refused(proxy, prepare, bq, dataset, schema, message):
    make(bq, dataset, schema)
    with pytest.raises(DestinationError, match=message):
        prepare()
    assert {exchange.method for exchange in proxy.exchanges} == {"GET"}, "nothing was written"


def answering(proxy, change):
    """Let BigQuery describe tables as ``change`` makes of it: what local-bigquery does not model."""

    def rule(exchange):
        if exchange.method != "GET" or "/tables/" not in exchange.path:
            return None
        proxy.forward(exchange)
        return exchange.status, change(json.loads(exchange.answer))

    proxy.rules.append(rule)


def test_names_are_compared_without_case(proxy, prepare, writer, bq, dataset, read):
    """BigQuery refuses to add visit_total to a table that has Visit_Total."""
    renamed = {"page_visit_pv": "Page_Visit_PV", "appid": "AppId"}
    make(bq, dataset, [SchemaField(renamed.get(f.name, f.name), f.field_type, f.mode) for f in COLUMNS])
    prepare()
    assert {exchange.method for exchange in proxy.exchanges if b"schema" in exchange.raw} == set(), "nothing is missing"
    writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert [row["Page_Visit_PV"] for row in read(f"{dataset}.visit_page")] == [10]


def test_a_required_column_with_a_default_fills_itself(prepare, bq, dataset):
    mine = SchemaField("mine", "STRING", "REQUIRED", default_value_expression="'x'")
    make(bq, dataset, [*COLUMNS, mine])
    assert prepare()


def test_a_filter_demanded_on_another_column_is_refused(proxy, prepare):
    prepare()
    other = {"requirePartitionFilter": True, "timePartitioning": {"type": "DAY", "field": "ref_day"}}
    answering(proxy, lambda table: {**table, **other})
    with pytest.raises(DestinationError, match=r"partitioned on ref_day and demands a filter on it"):
        prepare()


def test_a_filter_demanded_on_the_day_is_welcome(proxy, prepare):
    prepare()
    answering(proxy, lambda table: {**table, "requirePartitionFilter": True})
    prepare()


def test_a_filter_demanded_on_the_day_is_welcome_in_capitals(proxy, prepare):
    prepare()
    capitals = {"requirePartitionFilter": True, "timePartitioning": {"type": "DAY", "field": "Begin_Date"}}
    answering(proxy, lambda table: {**table, **capitals})
    prepare()


class TestExpiration:
    """Partitions that the table drops."""

    @pytest.fixture
    def expiring(self, proxy, prepare):
        prepare()
        thirty_days = {"type": "DAY", "field": "begin_date", "expirationMs": str(30 * 86_400_000)}
        answering(proxy, lambda table: {**table, "timePartitioning": thirty_days})

    def test_is_said_before_anything_is_loaded(self, expiring, prepare, caplog):
        prepare()
        assert "drops partitions 30 days after their day" in caplog.text

    def test_what_did_not_stay_is_named_after_the_first_look(self, expiring, proxy, writer, bq, dataset, read):
        today = dt.datetime.now(dt.UTC).date()
        recent = Period(today - dt.timedelta(days=2), today - dt.timedelta(days=2))
        old = Period(today - dt.timedelta(days=40), today - dt.timedelta(days=40))

        def drop(exchange):
            if exchange.sql.startswith("SELECT appid"):
                bq.query_and_wait(f"DELETE FROM `{dataset}.visit_page` WHERE begin_date = '{old.begin_date}'")

        proxy.rules.append(drop)
        chunk = chunk_of({period: page_rows(period, 10) for period in (old, recent)})
        ((appid, period, error),) = writer().replace(chunk)
        assert (appid, period) == ("wxa", old)
        assert re.search(f"{old} of app wxa: its rows did not stay .* 30 days .*_expiration 0", str(error))
        assert not error.retryable
        assert len(proxy.statements("MERGE")) == 1
        assert [row["begin_date"] for row in read(f"{dataset}.visit_page")] == [str(recent)]


def test_a_table_of_another_endpoint_is_refused(proxy, prepare, dataset):
    prepare(ENDPOINTS["daily_visit_trend"], name=f"{dataset}.trend")
    with pytest.raises(DestinationError, match=r"it holds daily_visit_trend .*, not weekly_visit_trend"):
        prepare(ENDPOINTS["weekly_visit_trend"], name=f"{dataset}.trend")


def test_a_table_holds_one_performance_selection(prepare, dataset):
    prepare(ENDPOINTS["performance_data"], name=f"{dataset}.performance")
    prepare(resolve("performance_data", {"devices": ["all"]}), name=f"{dataset}.performance")
    with pytest.raises(DestinationError, match=r"it holds performance_data-\w{8} .*, not performance_data-\w{8}"):
        prepare(resolve("performance_data", {"devices": ["1"]}), name=f"{dataset}.performance")


def test_a_view_is_refused(prepare, bq, dataset):
    view = Table(f"{dataset}.visit_page")
    view.view_query = "SELECT 1 AS one"
    bq.create_table(view)
    with pytest.raises(DestinationError, match="it must be a table, got a VIEW"):
        prepare()


def test_a_table_made_by_the_user_is_adopted(prepare, bq, dataset, caplog):
    make(bq, dataset, COLUMNS, labels={"team": "growth"})
    with caplog.at_level(logging.WARNING):
        prepare()
    assert bq.get_table(f"{dataset}.visit_page").labels == {"team": "growth", "weanalysis_endpoint": "visit_page"}
    assert "not partitioned by day on begin_date" in caplog.text


def test_a_missing_dataset_is_explained_or_made(prepare, bq, project):
    name = f"{project}.t_missing_{PAGES.name}"
    with pytest.raises(DestinationError, match=r"bq mk --dataset .* or set create_dataset=True"):
        prepare(name=f"{name}.t")
    try:
        prepare(name=f"{name}.t", create_dataset=True, location="US")
        assert bq.get_table(f"{name}.t").schema
    finally:
        bq.delete_dataset(name, delete_contents=True, not_found_ok=True)


def test_options_of_a_new_table(proxy, prepare, dataset):
    key = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
    prepare(labels={"team": "growth"}, encryption_configuration={"kmsKeyName": key})
    (made,) = [e for e in proxy.exchanges if e.method == "POST" and e.path.split("?")[0].endswith("/tables")]
    assert made.body["labels"] == {"team": "growth", "weanalysis_endpoint": "visit_page"}
    assert made.body["encryptionConfiguration"] == {"kmsKeyName": key}


def test_a_table_that_may_not_be_read_says_which_role_is_missing(proxy, prepare):
    proxy.rules.append(lambda e: api_error(403, "accessDenied", "Access Denied: Table p:d.t"))
    with pytest.raises(DestinationError, match=r"Table .*visit_page: BigQuery said: .* roles/bigquery.dataEditor"):
        prepare()
