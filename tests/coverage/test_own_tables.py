"""A table that the user has made and filled: no load wrote its rows, and it may lack columns until the first one."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from google.cloud import bigquery

from airflow_provider_wxanalysis.coverage.snapshot import unpack
from airflow_provider_wxanalysis.tasks.snapshots import snapshot_alias
from tests.conftest import run_context
from tests.coverage.conftest import SHOP, YESTERDAY, asked, back

LEADING = {"appid": "STRING", "begin_date": "DATE", "end_date": "DATE"}
OFFSETS = {"cohort": "STRING", "period_offset": "INT64", "users": "INT64"}


@pytest.fixture
def own(bq, dataset):
    """Make a table of the user's own, with a row for each of the last three days."""

    def make(endpoint, **columns):
        schema = [bigquery.SchemaField(name, kind) for name, kind in {**LEADING, **columns}.items()]
        bq.create_table(bigquery.Table(f"{dataset}.{endpoint}", schema=schema))
        values = ", ".join(f"('{SHOP}', DATE '{back(days)}', DATE '{back(days)}')" for days in range(3))
        bq.query_and_wait(f"INSERT INTO `{dataset}.{endpoint}` (appid, begin_date, end_date) VALUES {values}")

    return make


@pytest.mark.parametrize("loaded", [False, True], ids=["before the first load", "after it"])
class TestItsRows:
    def test_count_as_loaded_where_figures_do_not_change(self, healing, own, loaded):
        own("daily_summary", visit_total="INT64")
        if loaded:
            healing.days("daily_summary", back(3), back(3))
        missing = () if loaded else (back(3),)
        assert healing.heal("daily_summary", since=back(3)) == asked("daily_summary", *missing)

    @pytest.mark.parametrize("columns", [{}, OFFSETS], ids=["without offsets", "with them"])
    def test_are_loaded_again_where_figures_can_have_grown(self, healing, own, loaded, columns):
        own("daily_retain", **columns)
        if loaded:
            healing.days("daily_retain", back(3), back(3))
        missing = () if loaded else (back(3),)
        # Yesterday's cohort cannot have grown.
        assert healing.heal("daily_retain", since=back(3)) == asked("daily_retain", back(2), back(1), *missing)
        assert healing.heal("daily_retain", since=back(3)) == []

    def test_are_drawn_without_an_origin(self, healing, own, loaded):
        own("visit_page")
        if loaded:
            healing.days("visit_page", back(3), back(3))
        context = run_context(None, None)
        healing.coverage("visit_page", since=back(3), context=context)
        (event,) = context["outlet_events"][snapshot_alias()].asset_alias_events
        (entry,) = unpack(event.extra)["endpoints"]
        assert entry["rows"][0][1:] == [1, 1, 1]
        assert entry["runs"][0] == ([1, 1, -1, 1, 0, 2] if loaded else [0, 4])


@pytest.mark.parametrize(
    ("columns", "message"),
    [({"visit_total": "STRING"}, "column visit_total must be INT64, got STRING"), ({}, "column end_date is missing")],
)
def test_a_table_that_no_load_would_take_is_explained(healing, bq, dataset, columns, message):
    kept = LEADING if columns else {name: LEADING[name] for name in ("appid", "begin_date")}
    schema = [bigquery.SchemaField(name, kind) for name, kind in {**kept, **columns}.items()]
    bq.create_table(bigquery.Table(f"{dataset}.daily_summary", schema=schema))
    with pytest.raises(AirflowFailException, match=f"DestinationError: .* {message}"):
        healing.coverage("daily_summary", since=YESTERDAY)
