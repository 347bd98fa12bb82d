"""What is in BigQuery is what WeChat served: every entry of the catalogue, two apps in one table, after every run."""

from __future__ import annotations

import pytest

from airflow_provider_wxanalysis import records
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.conftest import APPS, in_order
from tests.transfers.conftest import latest


def served(server, endpoint, appid, period):
    """The rows of the latest replies, read independently of the transfer."""
    key = (endpoint.name, appid, period.begin_date.isoformat(), period.end_date.isoformat())
    replies = server.served[key][-len(endpoint.cells) :]
    by_module = {cell["module"]: cell for cell in endpoint.cells if cell}
    bodies = [call.body for call in server.calls if call.endpoint == endpoint.name and call.appid == appid]
    cells = [by_module.get(body.get("module"), {}) for body in bodies][-len(replies) :]
    return [
        row
        for cell, reply in zip(cells, replies, strict=True)
        for row in records.read(endpoint, appid, period, reply, cell).rows
    ]


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_round_trip(load, wechat_server, dataset, read, endpoint):
    table = f"{dataset}.{endpoint.name}"
    period = latest(endpoint.name)

    summaries = {appid: load(endpoint.name, period, appid=appid) for appid in APPS}
    expected = in_order(row for appid in APPS for row in served(wechat_server, endpoint, appid, period))
    assert expected
    assert read(table) == expected
    for appid, summary in summaries.items():
        assert summary == {
            "table": table,
            "appid": appid,
            "endpoint": endpoint.name,
            "periods": [str(period)],
            "empty_periods": [],
            "rows": sum(row["appid"] == appid for row in expected),
            "load_ids": summary["load_ids"],
        }

    before = {row["appid"]: row["_load_id"] for row in read(table, load_columns=True)}
    again = load(endpoint.name, period)
    assert read(table) == expected, "running again changes nothing"
    after = {row["appid"]: row["_load_id"] for row in read(table, load_columns=True)}
    assert after == {APPS[0]: again["load_ids"][0], APPS[1]: before[APPS[1]]}, "and touches no other app"
    assert before[APPS[0]] != after[APPS[0]]
