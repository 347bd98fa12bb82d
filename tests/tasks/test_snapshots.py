"""Snapshots as events: an asset per task and dataset."""

from __future__ import annotations

import datetime as dt

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.coverage.snapshot import unpack
from airflow_provider_wxanalysis.coverage.states import State, classify
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.tasks.covering import App, Picture, Target
from airflow_provider_wxanalysis.tasks.snapshots import announce_snapshot, snapshot_alias, snapshot_outlets
from tests.support.contexts import run_context

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
PERIODS = (Period(dt.date(2026, 11, 25), dt.date(2026, 11, 25)),)
SHOP, BIKES = App("wx1", "Shop", AppRef("shop", None)), App("wx2", None, AppRef("all", "wx2"))


def announced(*tables, outlets=None):
    """Announce that nothing is loaded, and return the events: asset's URI, readable part and content."""
    context = run_context(NOW, NOW, dag_id="dag é", task_id="heal.coverage")
    targets = [Target(table, ENDPOINTS[name], apps, PERIODS) for table, name, apps in tables]
    coverages = [
        classify(t.endpoint, PERIODS, {appid: {} for appid in t.appids}, {}, now=NOW, ready_after=dt.timedelta())
        for t in targets
    ]
    announce_snapshot(
        context, snapshot_outlets() if outlets is None else outlets, NOW, [SHOP, BIKES], targets, Picture(coverages)
    )
    events = context["outlet_events"][snapshot_alias()].asset_alias_events
    return [(event.dest_asset_key.uri, event.extra, unpack(event.extra)) for event in events]


def test_one_event_of_the_dataset_and_the_task():
    ((uri, extra, content),) = announced(
        (TableName("p", "d", "daily_summary"), "daily_summary", [SHOP, BIKES]),
        (TableName("p", "d", "visit_page"), "visit_page", [SHOP, BIKES]),
    )
    assert uri == "weanalysis://coverage/p/d/dag%20%C3%A9/heal.coverage"
    assert (extra["destination"], extra["apps"], extra[State.MISSING]) == ("p.d", 2, 4)
    assert content["apps"] == [["wx1", "Shop", "shop"], ["wx2", "", "all"]]
    assert [one["name"] for one in content["endpoints"]] == ["daily_summary", "visit_page"]


def test_tables_of_single_apps_are_one_endpoint():
    ((_, extra, content),) = announced(
        (TableName("p", "d", "wx1_daily"), "daily_summary", [SHOP]),
        (TableName("p", "d", "wx2_daily"), "daily_summary", [BIKES]),
    )
    assert extra["periods"] == 2
    assert [one["states"] for one in content["endpoints"]] == [[["missing", 1], ["missing", 1]]]


def test_each_dataset_has_its_own_asset_with_its_own_apps():
    events = announced(
        (TableName("p", "one", "t"), "daily_summary", [SHOP]), (TableName("p", "two", "t"), "daily_summary", [BIKES])
    )
    assert [(uri.split("/")[4], content["apps"][0][0]) for uri, _, content in events] == [
        ("one", "wx1"),
        ("two", "wx2"),
    ]


def test_a_task_without_the_alias_announces_nothing():
    assert announced((TableName("p", "d", "t"), "daily_summary", [SHOP]), outlets=[]) == []
