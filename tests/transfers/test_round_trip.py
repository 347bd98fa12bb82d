"""What is in BigQuery is what WeChat served: every entry of the catalogue, two apps in one table, after every run."""

from __future__ import annotations

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.wechat import records
from tests.conftest import APPS, in_order
from tests.transfers.conftest import latest


def served(server, endpoint, appid, period):
    """The rows of the latest replies, read independently of the transfer."""
    key = (endpoint.name, appid, period.begin_date.isoformat(), period.end_date.isoformat())
    replies = server.served[key][-len(endpoint.selections) :]
    by_module = {cell["module"]: cell for cell in endpoint.selections if cell}
    bodies = [call.body for call in server.calls if call.endpoint == endpoint.name and call.appid == appid]
    cells = [by_module.get(body.get("module"), {}) for body in bodies][-len(replies) :]
    return [
        row
        for cell, reply in zip(cells, replies, strict=True)
        for row in records.read(endpoint, appid, period, reply, cell).rows
    ]


HOSTILE = [
    *(
        "pages/页面",
        "emoji 😀👩‍👩‍👧",
        "quotes ' \" ` ''' \"\"\"",
        "back\\slash \\n \\u0041 \\",
        "line\nbreak\r\n\ttab",
        "NUL \0 and \x1f \x7f",
    ),
    *("'); DROP TABLE t; --", "@rows @appid ?", "{{ var.value.secret }} {% raw %}", "{appid} {endpoint} %s %(x)s"),
    *("null", "NULL", "", " ", '{"a": 1}', "[1]", "\u2028\u2029\ufeff", "e\u0301 is not é", "\ufffe\uffff", "x" * 5000),
]


def test_hostile_text_arrives_as_it_is(load, wechat_server, dataset, read):
    period = latest("visit_page")
    pages = [{"page_path": text, "page_visit_pv": rank, "news": {text: [text]}} for rank, text in enumerate(HOSTILE)]
    wechat_server.override("visit_page", APPS[0], period.begin_date, lambda reply: {**reply, "list": pages})
    load("visit_page", period)
    rows = sorted(read(f"{dataset}.visit_page"), key=lambda row: row["page_rank"])
    assert [row["page_path"] for row in rows] == HOSTILE
    assert [row["_extra"] for row in rows] == [{"news": {text: [text]}} for text in HOSTILE]


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_round_trip(load, wechat_server, dataset, read, endpoint):
    table = f"{dataset}.{endpoint.name}"
    period = latest(endpoint.name)

    summaries = {appid: load(endpoint.name, period, appid=appid) for appid in APPS}
    expected = in_order(row for appid in APPS for row in served(wechat_server, endpoint, appid, period))
    assert expected
    assert read(table) == expected
    for appid, summary in summaries.items():
        truncated = [str(period)] if endpoint.name == "visit_page" else []
        rows = sum(row["appid"] == appid for row in expected)
        assert summary == {
            "table": table,
            "endpoint": endpoint.name,
            "rows": rows,
            "load_ids": summary["load_ids"],
            "apps": {
                appid: {
                    "rows": rows,
                    "periods": [str(period)],
                    "empty_periods": [],
                    "truncated_periods": truncated if rows == 200 else [],
                }
            },
        }

    before = {row["appid"]: row["_load_id"] for row in read(table, load_columns=True)}
    again = load(endpoint.name, period)
    assert read(table) == expected, "running again changes nothing"
    after = {row["appid"]: row["_load_id"] for row in read(table, load_columns=True)}
    assert after == {APPS[0]: again["load_ids"][0], APPS[1]: before[APPS[1]]}, "and touches no other app"
    assert before[APPS[0]] != after[APPS[0]]
