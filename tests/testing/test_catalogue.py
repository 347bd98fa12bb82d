"""What the server sends and what the provider reads are made from the same facts, by different hands."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_provider_wxanalysis.catalogue.performance import OPTIONS
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, resolve
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.testing import WeChatServer, faults
from airflow_provider_wxanalysis.wechat import records
from tests.testing.client import APP, NOW, OTHER, Client

YESTERDAY = NOW.date() - dt.timedelta(days=1)


def periods(name: str) -> list[Period]:
    endpoint = ENDPOINTS[name]
    latest = endpoint.window.latest(YESTERDAY)
    backwards = range(0, 40, 5) if endpoint.reach_days is None else range(1)
    return [endpoint.window.earlier(latest, count) for count in backwards]


@pytest.mark.parametrize("appid", [APP, OTHER])
@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_provider_reads_everything_the_server_sends(client: Client, name: str, appid: str) -> None:
    endpoint = ENDPOINTS[name]
    for period in periods(name):
        for request in endpoint.requests(period):
            reply = client.send(name, request.body, appid).json()
            report = records.read(endpoint, appid, period, reply, request.selection)
            assert report.rows
            assert (report.unknown, report.duplicates) == (frozenset(), 0)
            optional = {"item_id"}  # the devices of a portrait have none
            for row in report.rows:
                assert {name for name, value in row.items() if value is None} - optional == {"_extra"}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_provider_reads_empty_replies(client: Client, wechat_server: WeChatServer, name: str) -> None:
    endpoint, period = ENDPOINTS[name], periods(name)[0]
    for request in endpoint.requests(period):
        wechat_server.faults.add(faults.empty())
        reply = client.send(name, request.body).json()
        assert records.read(endpoint, APP, period, reply, request.selection).rows == []


def test_every_selection_of_performance_data_is_taken(client: Client) -> None:
    everything = resolve("performance_data", {option: values for option, (_, values) in OPTIONS.items()})
    period = Period(YESTERDAY, YESTERDAY)
    for request in everything.requests(period):
        reply = client.send("performance_data", request.body).json()
        assert records.read(everything, APP, period, reply, request.selection).rows


@pytest.mark.parametrize("name", [name for name in ENDPOINTS if ENDPOINTS[name].refresh_offsets])
def test_the_catalogue_refreshes_what_grows(client: Client, wechat_server: WeChatServer, name: str) -> None:
    """Fetching each cohort again at its offsets, and never else, ends with every key there ever is."""
    endpoint = ENDPOINTS[name]
    cohort = endpoint.window.latest(dt.date(2025, 6, 30))
    seen: set[int] = set()
    latest = cohort
    for offset in range(max(endpoint.refresh_offsets) + 3):
        if offset in (0, *endpoint.refresh_offsets):
            wechat_server.now = latest.closes_at + dt.timedelta(hours=12)
            reply = client.send(name, endpoint.requests(cohort)[0].body).json()
            seen |= {entry["key"] for entry in reply["visit_uv"]}
        latest = endpoint.window.containing(latest.end_date + dt.timedelta(days=1))
    wechat_server.now = NOW
    final = client.send(name, endpoint.requests(cohort)[0].body).json()
    assert seen == {entry["key"] for entry in final["visit_uv"]} == {0, *endpoint.refresh_offsets}
