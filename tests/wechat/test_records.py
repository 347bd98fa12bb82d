"""From WeChat's replies to rows: the documented samples by hand, and everything that may be wrong with a reply."""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
import operator
from collections import Counter
from collections.abc import Callable
from functools import partial, reduce
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_wxanalysis.catalogue import typed
from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING
from airflow_provider_wxanalysis.catalogue.values import show
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import PayloadError
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.wechat import records
from airflow_provider_wxanalysis.wechat.records import Report
from tests.support.servers import REPOSITORY

FIXTURES = REPOSITORY / "tests" / "fixtures"
APPID = "wx00000000000000a1"
SELECTION = {"module": "10022", "network_type": "wifi", "device_level": "1", "device": "1"}
MISSING = object()
#: The last day of the period that each endpoint's official sample is about.
LAST_DAYS = {
    **dict.fromkeys(("daily_summary", "daily_visit_trend", "visit_distribution", "daily_retain"), "2017-03-13"),
    **{"visit_page": "2017-03-13", "weekly_visit_trend": "2017-03-12", "weekly_retain": "2017-03-12"},
    **{"monthly_visit_trend": "2017-03-31", "monthly_retain": "2017-02-28", "user_portrait": "2017-06-11"},
    **{"user_portrait_7d": "2017-06-17", "performance_data": "2021-01-03"},
}


def sample(name: str) -> Any:
    """A stored reply; for performance_data only the first of the two days that WeChat's sample answers for."""
    reply = json.loads((FIXTURES / f"{name.removesuffix('_7d')}.json").read_text(encoding="utf-8"))
    for table in reply["data"]["body"]["tables"] if name == "performance_data" else []:
        del table["lines"][0]["fields"][1]
    return reply


def find(reply: Any, path: str) -> tuple[Any, Any]:
    """The container and the last step of a place spelled ``list.0.key``."""
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    return reduce(operator.getitem, parents, reply), last


def changed(name: str, places: dict[str, Any]) -> Any:
    """The endpoint's sample with some places set to a value, or removed."""
    reply = sample(name)
    for path, value in places.items():
        container, last = find(reply, path)
        if value is MISSING:
            del container[last]
        else:
            container[last] = value
    return reply


def period(name: str, last_day: str | None = None) -> Period:
    found = ENDPOINTS[name].window.ending(dt.date.fromisoformat(last_day or LAST_DAYS[name]))
    assert found is not None
    return found


def read(name: str, reply: Any, last_day: str | None = None) -> Report:
    """Read it value by value and, where it is decoded as typed structures too, see that both come to the same."""
    entry, asked = ENDPOINTS[name], period(name, last_day)
    decoded = typed.decode(entry, json.dumps(reply, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    outcomes = [
        outcome(partial(records.read, entry, APPID, asked, form, SELECTION if "performance" in name else None))
        for form in (reply, decoded)
        if form is not None
    ]
    assert len({repr(found) for found in outcomes}) == 1
    if isinstance(outcomes[0], PayloadError):
        raise outcomes[0]
    return outcomes[0]


def outcome(reading: Callable[[], Report]) -> Report | PayloadError:
    try:
        return reading()
    except PayloadError as error:
        return error


def own(name: str, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in ENDPOINTS[name].columns)


# --- samples, by hand -----------------------------------------------------------------------------

NEW, ALL = "visit_uv_new", "visit_uv"
SOURCE, DEPTH = "access_source_session_cnt", "access_depth_info"
BY_SOURCE, BY_DEPTH = ("访问来源分布（打开次数）", "Openings by source"), ("访问深度分布", "Openings by depth")
SELECTED = ("10022", "内存指标", "Memory", "wifi", "1", "1")
TREND, RETAIN, PAGE, SPREAD = "daily_visit_trend", "daily_retain", "visit_page", "visit_distribution"
PORTRAITS = [(NEW, "province", 31, "广东省", 215), (ALL, "ages", 1, "17岁以下", 3156)]


@pytest.mark.parametrize(
    ("name", "variant", "count", "first_and_last"),
    [
        ("daily_summary", "", 1, [(391, 572, 383)]),
        (TREND, "", 1, [(142549, 472351, 55500, 5464, None, 0.0, 1.9838)]),
        (TREND, "daily_visit_trend_full_fields", 1, [(120, 431, 55, 5, 492.3333, 211.0, 2.4286)]),
        (TREND, "daily_visit_trend_zero_day", 1, [(0, 0, 0, 0, 0.0, 0.0, 0.0)]),
        ("weekly_visit_trend", "", 1, [(986780, 3251840, 189405, 45592, None, 54.5346, 1.9735)]),
        ("monthly_visit_trend", "", 1, [(126513, 426113, 48659, 6726, None, 56.4112, 2.0189)]),
        (
            SPREAD,
            "",
            22,
            [(SOURCE, *BY_SOURCE, 10, "其他", "Other", 5), (DEPTH, *BY_DEPTH, 1, "1 页", "1 page", 43201)],
        ),
        (
            SPREAD,
            "visit_distribution_with_uv_index",
            12,
            [
                (SOURCE, *BY_SOURCE, 36, "任务栏-我的小程序", "Task bar: my Mini Programs", 3),
                (DEPTH, *BY_DEPTH, 1, "1 页", "1 page", 2),
            ],
        ),
        (RETAIN, "", 2, [(NEW, 0, 5464, 5464), (ALL, 0, 55500, 55500)]),
        (RETAIN, "daily_retain_mature", 16, [(NEW, 0, 50, 50), (ALL, 7, 75, 300)]),
        (RETAIN, "daily_retain_complete", 20, [(NEW, 0, 50, 50), (ALL, 30, 41, 300)]),
        ("weekly_retain", "", 4, [(NEW, 0, 0, 0), (ALL, 1, 99310, 0)]),
        ("monthly_retain", "", 2, [(NEW, 0, 346249, 346249), (ALL, 0, 346249, 346249)]),
        (
            PAGE,
            "",
            5,
            [
                (1, "pages/main/main.html", 213429, 55423, 8.139198, 117922, 61304, 180, 166),
                (5, "pages/switch-city/switch-city.html", 8928, 4017, 9.22659, 748, 1613, 0, 0),
            ],
        ),
        (PAGE, "visit_page_numeric_strings", 1, [(1, "pages/index/index", 12, 4, 8.0, 5, 3, 0, 0)]),
        ("user_portrait", "", 12, PORTRAITS),
        ("user_portrait_7d", "", 12, PORTRAITS),
        ("user_portrait_7d", "user_portrait_range_ref_date", 12, PORTRAITS),
        (
            "performance_data",
            "",
            2,
            [(*SELECTED, "memorydiff", "内存增长均值", 70.7778), (*SELECTED, "memory", "内存均值", 314.0)],
        ),
        *((name, "empty_list", 0, []) for name in ("daily_summary", TREND, SPREAD, PAGE)),
        *((name, "empty_list_with_ref_date", 0, []) for name in ("daily_summary", SPREAD, PAGE)),
        ("user_portrait", "user_portrait_empty", 0, []),
    ],
)
def test_samples(name: str, variant: str, count: int, first_and_last: list[tuple[Any, ...]]) -> None:
    last_day = "2024-01-05" if variant and "range" not in variant else LAST_DAYS[name]
    reply = sample(f"variants/{variant}" if variant else name)
    before = copy.deepcopy(reply)
    report = read(name, reply, last_day)
    assert reply == before
    assert (len(report.rows), report.unknown, report.duplicates) == (count, frozenset(), 0)
    rows = [own(name, row) for row in report.rows]
    assert repr(rows[:1] + rows[1:][-1:]) == repr(first_and_last)  # repr tells 0 from 0.0
    asked = period(name, last_day)
    for row in report.rows:
        assert list(row) == [column.name for column in (*LEADING, *ENDPOINTS[name].columns, EXTRA)]
        assert (row["appid"], row["_extra"]) == (APPID, None)
        assert (row["begin_date"], row["end_date"]) == (str(asked.begin_date), str(asked.end_date))
        assert row["ref_date"] == reply.get("ref_date", row["ref_date"]) in ENDPOINTS[name].ref_dates(asked)


def test_the_documented_distributions_each_make_up_the_same_visits() -> None:
    sums: Counter[str] = Counter()
    for row in read(SPREAD, sample(SPREAD)).rows:
        sums[row["distribution"]] += row["item_value"]
    assert sums == {SOURCE: 142664, "access_staytime_info": 142664, DEPTH: 142664}


def test_every_dimension_of_a_portrait_is_read() -> None:
    rows = [own("user_portrait", row) for row in read("user_portrait", sample("user_portrait")).rows]
    assert {dimension: users for cohort, dimension, _, _, users in rows if cohort == NEW} == {
        **{"province": 215, "city": 78, "genders": 2146},
        **{"platforms": 27642, "devices": 61, "ages": 151},
    }
    assert rows[10] == (ALL, "devices", None, "OPPO R9", 617)


def test_unlisted_indexes_and_keys_pass_without_labels() -> None:
    report = read(SPREAD, sample("variants/visit_distribution_unknown_key"), "2024-01-05")
    assert [own(SPREAD, row) for row in report.rows] == [
        (SOURCE, *BY_SOURCE, 77, None, None, 4),
        (SOURCE, *BY_SOURCE, 1, "小程序历史列表", "Mini Program history list", 9),
        ("access_future_index", None, None, 1, None, None, 13),
    ]
    assert report.unknown == {f"{SOURCE}[77]", "access_future_index[1]"}


# --- what is refused ------------------------------------------------------------------------------

BODY, TABLES, LINES = "data.body", "data.body.tables", "data.body.tables.0.lines"
FIELDS = f"{LINES}.0.fields"
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
    reply = json.loads((FIXTURES / "performance_data.json").read_text(encoding="utf-8"))
    with pytest.raises(PayloadError, match="ref_date must be 20210103, which was asked for, got '20210104'"):
        read("performance_data", reply)


# --- what passes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "count"), [(391.0, 391), ("391", 391), ("391.0", 391), (None, None), (MISSING, None)]
)
def test_counts_may_be_whole_floats_strings_or_absent(value: Any, count: int | None) -> None:
    (row,) = read("daily_summary", changed("daily_summary", {"list.0.visit_total": value})).rows
    assert repr(own("daily_summary", row)) == repr((count, 572, 383))


def test_a_cohort_may_be_a_lone_object() -> None:
    lone = changed(RETAIN, {"visit_uv": {"key": 0, "value": 55500}})
    assert read(RETAIN, lone) == read(RETAIN, sample(RETAIN))


def test_a_portrait_may_lack_a_cohort() -> None:
    """It cannot be fetched again, so it is not refused for that."""
    report = read("user_portrait", changed("user_portrait", {"visit_uv": MISSING}))
    assert {row["cohort"] for row in report.rows} == {NEW}


@pytest.mark.parametrize(("name", "place"), [("daily_summary", "list.0.ref_date"), (PAGE, "ref_date")])
def test_a_date_may_be_a_number(name: str, place: str) -> None:
    report = read(name, changed(name, {place: 20170313}))
    assert report.rows == read(name, sample(name)).rows


@pytest.mark.parametrize("ref_date", ["20170611", "20170617", "20170611-20170617"])
def test_a_portrait_may_name_its_window_or_either_end(ref_date: str) -> None:
    report = read("user_portrait_7d", changed("user_portrait_7d", {"ref_date": ref_date}))
    assert {row["ref_date"] for row in report.rows} == {ref_date}


def test_a_new_portrait_dimension_becomes_rows() -> None:
    report = read("user_portrait", changed("user_portrait", {"visit_uv.moods": [{"id": 4, "name": "喜", "value": 3}]}))
    assert own("user_portrait", report.rows[-1]) == (ALL, "moods", 4, "喜", 3)
    assert report.unknown == {"moods"}


@pytest.mark.parametrize(
    ("name", "path", "key_again"),
    [
        ("daily_summary", "list", {"ref_date": "20170313", "share_pv": 1}),
        (SPREAD, "list.0.item_list", {"key": "10", "value": 0}),
        (RETAIN, "visit_uv", {"key": 0.0}),
        (PAGE, "list", {"page_path": "pages/main/main.html"}),
        ("user_portrait", "visit_uv.devices", {"name": "OPPO R9"}),
        ("performance_data", FIELDS, {"refdate": "20210103"}),
    ],
)
def test_duplicates_are_kept_and_counted(name: str, path: str, key_again: Any) -> None:
    reply = sample(name)
    count = len(read(name, reply).rows)
    container, last = find(reply, path)
    container[last].append(key_again)
    report = read(name, reply)
    assert (len(report.rows), report.duplicates) == (count + 1, 1)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 3), max_size=5))
def test_counts_come_through_unchanged(counts: list[tuple[int, int, int]]) -> None:
    names = ("visit_total", "share_pv", "share_uv")
    items = [{"ref_date": "20170313", **dict(zip(names, values, strict=True))} for values in counts]
    report = read("daily_summary", {"list": items})
    assert [own("daily_summary", row) for row in report.rows] == counts
    pages = [{"page_path": f"p{number}", "page_visit_pv": values[0]} for number, values in enumerate(counts)]
    report = read(PAGE, {"ref_date": "20170313", "list": pages})
    assert [(row["page_rank"], row["page_visit_pv"]) for row in report.rows] == [
        (number, values[0]) for number, values in enumerate(counts, start=1)
    ]


# --- unknown fields -------------------------------------------------------------------------------

NEWS = {"big": [2**63, -(2**63) - 1, 7], "deep": {"x": [1.5, None, True, "字"]}}
KEPT = {"big": [str(2**63), str(-(2**63) - 1), 7], "deep": {"x": [1.5, None, True, "字"]}}
#: Where a field may turn up, outermost first, and in how many rows it is kept.
PLACES: dict[str, dict[str, int]] = {
    "daily_summary": {"": 1, "list.0.": 1},
    "visit_distribution": {"": 22, "list.0.": 9, "list.0.item_list.0.": 1},
    "daily_retain": {"": 2, "visit_uv.0.": 1},
    "visit_page": {"": 5, "list.0.": 1},
    "user_portrait": {"": 12, "visit_uv.": 6, "visit_uv.city.0.": 1},
    "performance_data": {
        "": 2,
        **{"data.": 2, f"{BODY}.": 2, f"{TABLES}.0.": 1, f"{LINES}.0.": 1, f"{FIELDS}.0.": 1},
    },
}


@pytest.mark.parametrize(
    ("name", "place", "count"),
    [(name, place, count) for name, places in PLACES.items() for place, count in places.items()],
)
def test_unknown_fields_are_kept_and_reported(name: str, place: str, count: int) -> None:
    report = read(name, changed(name, {f"{place}news": NEWS}))
    assert report.unknown == {"news"}
    assert [row["_extra"] for row in report.rows if row["_extra"]] == [{"news": KEPT}] * count
    assert [own(name, row) for row in report.rows] == [own(name, row) for row in read(name, sample(name)).rows]


@pytest.mark.parametrize(
    ("name", "outer", "inner"),
    [(name, outer, inner) for name, places in PLACES.items() for outer, inner in pairwise(places)],
)
def test_unknown_fields_of_one_name_are_all_kept(name: str, outer: str, inner: str) -> None:
    report = read(name, changed(name, {f"{outer}news": "outer", f"{inner}news": "inner"}))
    kept = [set(row["_extra"].values()) for row in report.rows if row["_extra"]]
    assert {"outer", "inner"} in kept


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (SPREAD, "list.0.item_list.0.item_label"),
        (RETAIN, "visit_uv.0.users"),
        (PAGE, "list.0.page_rank"),
        ("user_portrait", "visit_uv.city.0.dimension"),
        ("performance_data", f"{FIELDS}.0.metric"),
        ("performance_data", f"{FIELDS}.0.module"),
    ],
)
def test_unknown_fields_named_like_a_column_of_ours_are_kept(name: str, path: str) -> None:
    report = read(name, changed(name, {path: "news"}))
    assert [list(row["_extra"].values()) for row in report.rows if row["_extra"]] == [["news"]]
    assert [own(name, row) for row in report.rows] == [own(name, row) for row in read(name, sample(name)).rows]


@pytest.mark.parametrize(("name", "path"), [("user_portrait", "visit_uv.tags"), (SPREAD, "list.3")])
@pytest.mark.parametrize("entry", ["a", {"value": 1}, {"key": "a", "id": "a", "name": "a", "value": 1}, {"key": 1.5}])
def test_a_new_part_of_another_shape_is_kept_aside(name: str, path: str, entry: Any) -> None:
    """Refusing the reply would lose the parts that are known, and a portrait for good."""
    reply = sample(name)
    part = [entry] if name == "user_portrait" else {"index": "tags", "item_list": [entry]}
    container, last = find(reply, path)
    container.append(part) if isinstance(container, list) else container.update({last: part, "more": "still read"})
    if name == "user_portrait":
        container["moods"] = [{"id": 4, "name": "喜", "value": 3}]
    report = read(name, reply)
    known = [own(name, row) for row in read(name, sample(name)).rows]
    assert [own(name, row) for row in report.rows][: len(known)] == known
    kept = [row["_extra"] for row in report.rows if row["_extra"]]
    if name == "user_portrait":
        assert kept == [{"tags": [entry], "more": "still read"}] * 7
        assert report.unknown == {"tags", "more", "moods"}
        assert own(name, report.rows[-1]) == (ALL, "moods", 4, "喜", 3), "what comes after it is read"
    else:
        assert kept == [{"tags": part}] * len(known)
        assert report.unknown == {"tags"}


@pytest.mark.parametrize("value", [None, {}, "x", 5])
def test_a_known_dimension_must_be_an_array(value: Any) -> None:
    with pytest.raises(PayloadError, match=r"visit_uv\.province must be an array, got"):
        read("user_portrait", changed("user_portrait", {"visit_uv.province": value}))


def test_a_name_taken_twice_gets_a_prefix() -> None:
    places = {f"{place}news": number for number, place in enumerate(("", "list.0.", "list.0.item_list.0."))}
    (kept, *_) = [row["_extra"] for row in read(SPREAD, changed(SPREAD, places)).rows]
    assert kept == {"news": 2, "reply.news": 1, "reply.reply.news": 0}


def test_rows_without_unknown_fields_have_null() -> None:
    reply = changed(PAGE, {"list.0.news": 1})
    assert [row["_extra"] for row in read(PAGE, reply).rows] == [{"news": 1}, None, None, None, None]


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [(math.inf, "inf"), ([math.nan], ["nan"]), ({"a\ud800": "\udfff"}, {"a\\ud800": "\\udfff"})],
    ids=["Infinity", "NaN", "surrogate"],
)
@pytest.mark.parametrize("place", ["", "list.0."])
def test_unknown_fields_that_bigquery_cannot_hold_become_text(place: str, value: Any, kept: Any) -> None:
    report = read(PAGE, changed(PAGE, {f"{place}news": value}))
    assert report.rows[0]["_extra"] == {"news": kept}


def test_unknown_fields_nested_too_deep_become_text() -> None:
    extra = read(PAGE, changed(PAGE, {"news": nested(200)})).rows[0]["_extra"]
    assert json.loads(json.dumps(extra).replace('"[', "[").replace(']"', "]")) == {"news": nested(200)}
