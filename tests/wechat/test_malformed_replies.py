"""What may be wrong with a reply: it is refused, and the message names the place."""

from __future__ import annotations

import math
from typing import Any

import pytest

from airflow_provider_wxanalysis.catalogue.values import show
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import PayloadError
from tests.support.samples import period, published
from tests.wechat.reading import (
    ALL,
    APPID,
    BODY,
    FIELDS,
    LINES,
    MISSING,
    NEW,
    PAGE,
    RETAIN,
    SPREAD,
    TABLES,
    TREND,
    changed,
    read,
)

ABSENT = (MISSING, None)
NO_COUNT: tuple[Any, ...] = (
    "many",
    "",
    "1_000",
    " 4",
    "٣",
    True,
    [],
    {},
    1.5,
    "1.5",
    2**63,
    -(2**63) - 1,
    1e30,
    math.nan,
    math.inf,
)
#: endpoint -> [(place, what the message says, values)]
MALFORMED: dict[str, list[tuple[str, str, tuple[Any, ...]]]] = {
    "daily_summary": [
        ("list", "list must be an array, got", (*ABSENT, {}, "x", 0)),
        ("list.0", "entry 1 of list must be an object, got", (None, 5, [], "x")),
        ("list.0.visit_total", "visit_total must be INT64, got", NO_COUNT),
        (
            "list.0.ref_date",
            "ref_date must be 20170313, which was asked for, got",
            (*ABSENT, "20170314", 20170314, True),
        ),
        ("ref_date", "ref_date must be", ("20170314", 20170314, "", 20170313.0)),
    ],
    TREND: [("list.0.visit_depth", "visit_depth must be FLOAT64, got", ("x", "1_0", False, [], math.nan, -math.inf))],
    "weekly_visit_trend": [("list.0.ref_date", "ref_date", ("20170306", "20170313-20170319"))],
    "monthly_visit_trend": [("list.0.ref_date", "ref_date", ("20170301-20170331", "201702"))],
    SPREAD: [
        ("list.0.index", "an entry of list lacks index", ABSENT),
        ("list.0.index", "index must be STRING, got", (5, [])),
        ("list.0.item_list", "item_list of access_source_session_cnt must be an array, got", (*ABSENT, {})),
        ("list.1.item_list.2", "entry 3 of item_list of access_staytime_info must be an object, got", (7,)),
        ("list.0.item_list.0.key", "an entry of access_source_session_cnt lacks key", ABSENT),
        ("list.0.item_list.0.key", "key of access_source_session_cnt must be INT64, got", ("x", True, 1.5)),
        (
            "list.0.item_list.0.value",
            "value must be INT64, got 'x' .index 'access_source_session_cnt', key 10.",
            ("x",),
        ),
        ("ref_date", "ref_date", (MISSING, "20170313-20170313")),
    ],
    RETAIN: [
        ("visit_uv", "visit_uv must be an array, got", (None, "x", 5)),
        ("visit_uv.0", "entry 1 of visit_uv must be an object, got", (5,)),
        ("visit_uv_new.0.key", "an entry of visit_uv_new lacks key", ABSENT),
        ("visit_uv_new.0.key", "key of visit_uv_new must be INT64, got", ("x",)),
        ("visit_uv.0.value", "value must be INT64, got 'x' .cohort 'visit_uv', key 0.", ("x",)),
        ("visit_uv", "visit_uv must be an array, got", (MISSING,)),
    ],
    "weekly_retain": [("ref_date", "ref_date", ("20170306", "20170312", "20170313-20170319"))],
    PAGE: [
        ("list.3", "entry 4 of list must be an object, got", ("x",)),
        ("list.0.page_path", "an entry of list lacks page_path", ABSENT),
        ("list.0.page_path", "page_path must be STRING, got", (5, ["a"], "a\ud800")),
        ("ref_date", "ref_date", (*ABSENT, "20170314", "2017-03-13", 20170314, [])),
    ],
    "user_portrait": [
        ("visit_uv", "visit_uv must be an object, got", (None, [], "x")),
        ("visit_uv.city.0", "entry 1 of visit_uv.city must be an object, got", (5,)),
        ("visit_uv.city.0.name", "an entry of visit_uv.city lacks name", ABSENT),
        (
            "visit_uv.city.0.name",
            "name must be STRING, got 5 .cohort 'visit_uv', dimension 'city', id 3102, name 5.",
            (5,),
        ),
        (
            "visit_uv.city.0.id",
            "id must be INT64, got 'x' .cohort 'visit_uv', dimension 'city', id 'x', name '广州'.",
            ("x",),
        ),
    ],
    "user_portrait_7d": [("ref_date", "ref_date", (MISSING, "20170612", "20170610-20170616"))],
    "performance_data": [
        ("data", "data must be an object, got", (*ABSENT, [])),
        (BODY, "body must be an object, got", (*ABSENT, "x")),
        (TABLES, "tables must be an array, got", (*ABSENT, {})),
        (f"{TABLES}.0", "entry 1 of tables must be an object, got", (5,)),
        (f"{TABLES}.0.id", "an entry of tables lacks id", ABSENT),
        (LINES, "lines must be an array, got", ABSENT),
        (FIELDS, "fields must be an array, got", ABSENT),
        (f"{FIELDS}.0.refdate", "an entry of fields lacks refdate", ABSENT),
        (f"{FIELDS}.0.refdate", "ref_date", ("20210104", 20210104)),
        (f"{FIELDS}.0.value", "value must be FLOAT64, got 'x' .module '10022', .*, id 'memorydiff'.", ("x",)),
    ],
}


@pytest.mark.parametrize(
    ("name", "path", "complaint", "value"),
    [(name, *place, value) for name, places in MALFORMED.items() for *place, values in places for value in values],
    ids=lambda part: "missing" if part is MISSING else show(part)[:30],
)
def test_a_malformed_reply_is_refused(name: str, path: str, complaint: str, value: Any) -> None:
    with pytest.raises(PayloadError, match=complaint) as caught:
        read(name, changed(name, {path: value}))
    message = str(caught.value)
    message.encode()
    assert message.startswith(f"{name} {period(name)} of app {APPID}: ")
    assert ENDPOINTS[name].docs in message
    if " lacks " not in complaint:
        assert f" {show(None if value is MISSING else value)}" in message


def test_a_portrait_without_cohorts_is_refused() -> None:
    with pytest.raises(PayloadError, match=r"neither visit_uv_new nor visit_uv, only \['errmsg'\]"):
        read("user_portrait", {"errmsg": "ok"})


@pytest.mark.parametrize("cohort", [NEW, ALL])
def test_retention_needs_both_cohorts(cohort: str) -> None:
    with pytest.raises(PayloadError, match=f"{cohort} must be an array, got None"):
        read(RETAIN, changed(RETAIN, {cohort: MISSING}))


@pytest.mark.parametrize("name", ["daily_summary", TREND])
@pytest.mark.parametrize("more", [{}, {"news": 5}, {"visit_total": None, "visit_pv": None}])
def test_an_entry_without_figures_is_refused(name: str, more: dict[str, Any]) -> None:
    with pytest.raises(PayloadError, match="an entry has no figures: "):
        read(name, {"list": [{"ref_date": "20170313", **more}]})


@pytest.mark.parametrize("reply", [{"ref_date": "20240104", "list": []}, {"ref_date": 20240104, "list": []}])
def test_an_empty_reply_for_another_day_is_refused(reply: Any) -> None:
    with pytest.raises(PayloadError, match="ref_date must be 20240105, which was asked for, got"):
        read(PAGE, reply, "2024-01-05")


def test_the_official_performance_sample_spans_two_days_and_is_refused_for_one() -> None:
    reply = published("performance_data")
    with pytest.raises(PayloadError, match="ref_date must be 20210103, which was asked for, got '20210104'"):
        read("performance_data", reply)
