"""A field and a key that WeChat adds one day arrive in BigQuery, for every endpoint, and are warned about once."""

from __future__ import annotations

import copy

import pytest

from airflow_provider_wxanalysis.catalogue import shapes
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.conftest import APPS
from tests.transfers.conftest import latest

NEWS = {"big": 2**70, "text": "新 {{ x }} @rows"}
KEPT = {**NEWS, "big": str(2**70)}


def entries(reply):
    """The lists whose entries become rows."""
    if "data" in reply:
        return [line["fields"] for table in reply["data"]["body"]["tables"] for line in table["lines"]]
    if "list" in reply:
        return [group["item_list"] for group in reply["list"] if "item_list" in group] or [reply["list"]]
    cohorts = [reply[cohort] for cohort in shapes.COHORTS]
    return [*cohorts] if isinstance(cohorts[0], list) else [entry for cohort in cohorts for entry in cohort.values()]


def new_key(endpoint, reply):
    """Add an entry under an unheard-of key; return the columns by which its row is known."""
    if endpoint.shape is shapes.distributions:
        reply["list"][0]["item_list"].append({"key": 7777, "value": 5})
        return {"item_key": 7777, "item_label": None, "item_label_en": None, "item_value": 5}
    if endpoint.shape is shapes.cohort_offsets:
        reply["visit_uv"].append({"key": 7777, "value": 5})
        return {"period_offset": 7777, "users": 5}
    if endpoint.shape is shapes.portraits:
        reply["visit_uv"]["moods"] = [{"id": 7777, "name": "喜", "value": 5}]
        return {"dimension": "moods", "item_id": 7777, "item_name": "喜", "users": 5}
    if endpoint.shape is shapes.performance_tables:
        (table,) = copy.deepcopy(reply["data"]["body"]["tables"][:1])
        reply["data"]["body"]["tables"].append({**table, "id": "new"})
        del reply["data"]["body"]["tables"][-1]["zh"]
        return {"metric": "new", "metric_name": None}
    return None


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_news_arrive_and_are_warned_about_once(load, wechat_server, dataset, read, logged, endpoint):
    period = latest(endpoint.name)
    expected = []

    def with_news(reply):
        reply = copy.deepcopy(reply)
        for entry in (entry for group in entries(reply) for entry in group):
            entry["news"] = NEWS
        expected.append(new_key(endpoint, reply))
        return reply

    wechat_server.override(endpoint.name, APPS[0], period.begin_date, with_news)
    logged()
    load(endpoint.name, period)
    assert logged().count("the catalogue does not know") == 1
    rows = read(f"{dataset}.{endpoint.name}")
    assert rows
    news = [row for row in rows if row["_extra"] == {"news": KEPT}]
    for key in filter(None, expected):
        found = [row for row in rows if key.items() <= row.items()]
        assert len(found) == len(expected), "one for every reply"
    plain = len(expected) if expected[0] and "metric" not in expected[0] else 0
    assert len(news) == len(rows) - plain, "all but the rows of the new key"
