"""From WeChat's replies to rows: the documented samples by hand, and everything that may be wrong with a reply."""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_wxanalysis import records
from airflow_provider_wxanalysis.columns import EXTRA, LEADING
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import PayloadError
from airflow_provider_wxanalysis.records import Report
from airflow_provider_wxanalysis.values import show

FIXTURES = Path(__file__).parent / "fixtures"
APPID = "wx00000000000000a1"
CELL = {"module": "10022", "network_type": "wifi", "device_level": "1", "device": "1"}
MISSING = object()
#: The last day of the period that each endpoint's official sample speaks of.
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


def changed(name: str, path: str, value: Any) -> Any:
    """The endpoint's sample with one place, spelled ``list.0.key``, set to ``value`` or removed."""
    return replace(sample(name), path, value)


def replace(reply: Any, path: str, value: Any) -> Any:
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = reply
    for step in parents:
        place = place[step]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return reply


def read(name: str, reply: Any, last_day: str | None = None) -> Report:
    endpoint = ENDPOINTS[name]
    period = endpoint.window.ending(dt.date.fromisoformat(last_day or LAST_DAYS[name]))
    assert period is not None
    return records.read(endpoint, APPID, period, reply, CELL if name == "performance_data" else None)


def own(name: str, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in ENDPOINTS[name].columns)


# --- samples, by hand --------------------------------------------------------------------------------------------------

NEW, ALL = "visit_uv_new", "visit_uv"
SOURCE, SOURCE_UV = "access_source_session_cnt", "access_source_visit_uv"
STAY, DEPTH = "access_staytime_info", "access_depth_info"
PORTRAIT_ROWS = {
    0: (NEW, "province", 31, "广东省", 215),
    1: (NEW, "city", 3102, "广州", 78),
    4: (NEW, "devices", None, "OPPO R9", 61),
    8: (ALL, "genders", 1, "男", 14534),
    11: (ALL, "ages", 1, "17岁以下", 3156),
}
V = "variants/"
TREND, RETAIN, PAGE, SPREAD = "daily_visit_trend", "daily_retain", "visit_page", "visit_distribution"


@pytest.mark.parametrize(
    ("name", "file", "last_day", "count", "rows"),
    [
        ("daily_summary", "", "", 1, {0: (391, 572, 383)}),
        (TREND, "", "", 1, {0: (142549, 472351, 55500, 5464, None, 0.0, 1.9838)}),
        ("weekly_visit_trend", "", "", 1, {0: (986780, 3251840, 189405, 45592, None, 54.5346, 1.9735)}),
        ("monthly_visit_trend", "", "", 1, {0: (126513, 426113, 48659, 6726, None, 56.4112, 2.0189)}),
        (
            SPREAD,
            "",
            "",
            22,
            {
                0: (SOURCE, 10, "其他", "Other", 5),
                8: (SOURCE, 1, "小程序历史列表", "Mini Program history list", 116578),
                9: (STAY, 8, ">100 秒", "over 100 s", 16329),
                21: (DEPTH, 1, "1 页", "1 page", 43201),
            },
        ),
        (RETAIN, "", "", 2, {0: (NEW, 0, 5464), 1: (ALL, 0, 55500)}),
        ("weekly_retain", "", "", 4, {0: (NEW, 0, 0), 1: (NEW, 1, 16853), 2: (ALL, 0, 0), 3: (ALL, 1, 99310)}),
        ("monthly_retain", "", "", 2, {0: (NEW, 0, 346249), 1: (ALL, 0, 346249)}),
        (
            PAGE,
            "",
            "",
            5,
            {
                0: (1, "pages/main/main.html", 213429, 55423, 8.139198, 117922, 61304, 180, 166),
                4: (5, "pages/switch-city/switch-city.html", 8928, 4017, 9.22659, 748, 1613, 0, 0),
            },
        ),
        ("user_portrait", "", "", 12, PORTRAIT_ROWS),
        ("user_portrait_7d", "", "", 12, PORTRAIT_ROWS),
        ("user_portrait_7d", f"{V}user_portrait_range_ref_date", "", 12, PORTRAIT_ROWS),
        (
            "performance_data",
            "",
            "",
            2,
            {
                0: (*CELL.values(), "memorydiff", "内存增长均值", 70.7778),
                1: (*CELL.values(), "memory", "内存均值", 314.0),
            },
        ),
        (TREND, f"{V}daily_visit_trend_full_fields", "2024-01-05", 1, {0: (120, 431, 55, 5, 492.3333, 211.0, 2.4286)}),
        (TREND, f"{V}daily_visit_trend_zero_day", "2024-01-05", 1, {0: (0, 0, 0, 0, 0.0, 0.0, 0.0)}),
        (RETAIN, f"{V}daily_retain_mature", "2024-01-05", 16, {7: (NEW, 7, 4), 8: (ALL, 0, 300), 15: (ALL, 7, 75)}),
        (RETAIN, f"{V}daily_retain_complete", "2024-01-05", 20, {8: (NEW, 14, 2), 9: (NEW, 30, 1), 19: (ALL, 30, 41)}),
        (
            SPREAD,
            f"{V}visit_distribution_with_uv_index",
            "2024-01-05",
            12,
            {
                2: (SOURCE_UV, 36, "任务栏-我的小程序", "Task bar: my Mini Programs", 2),
                4: (STAY, 8, ">100 秒", "over 100 s", 5),
                8: (DEPTH, 6, "6-10 页", "6-10 pages", 1),
            },
        ),
        (
            PAGE,
            f"{V}visit_page_numeric_strings",
            "2024-01-05",
            1,
            {0: (1, "pages/index/index", 12, 4, 8.0, 5, 3, 0, 0)},
        ),
        *((name, f"{V}empty_list", "2024-01-05", 0, {}) for name in ("daily_summary", TREND, SPREAD, PAGE)),
        *((name, f"{V}empty_list_with_ref_date", "2024-01-05", 0, {}) for name in ("daily_summary", SPREAD, PAGE)),
        ("user_portrait", f"{V}user_portrait_empty", "2024-01-05", 0, {}),
    ],
)
def test_samples(name: str, file: str, last_day: str, count: int, rows: dict[int, tuple[Any, ...]]) -> None:
    reply = sample(file or name)
    before = copy.deepcopy(reply)
    report = read(name, reply, last_day)
    assert reply == before
    assert (len(report.rows), report.unknown, report.duplicates) == (count, frozenset(), 0)
    end = dt.date.fromisoformat(last_day or LAST_DAYS[name])
    begin = ENDPOINTS[name].window.ending(end).begin_date
    wanted = [*(column.name for column in (*LEADING, *ENDPOINTS[name].columns)), EXTRA.name]
    for row in report.rows:
        assert list(row) == wanted
        assert (row["appid"], row["begin_date"], row["end_date"]) == (APPID, str(begin), str(end))
        assert row["ref_date"] in ENDPOINTS[name].ref_dates(ENDPOINTS[name].window.ending(end))
        assert row["_extra"] is None
    for number, values in rows.items():
        assert repr(own(name, report.rows[number])) == repr(values)  # repr tells 0 from 0.0


def test_unlisted_indexes_and_keys_pass_without_labels() -> None:
    report = read(SPREAD, sample(f"{V}visit_distribution_unknown_key"), "2024-01-05")
    assert [own(SPREAD, row) for row in report.rows] == [
        (SOURCE, 77, None, None, 4),
        (SOURCE, 1, "小程序历史列表", "Mini Program history list", 9),
        ("access_future_index", 1, None, None, 13),
    ]
    assert report.unknown == {f"{SOURCE}[77]", "access_future_index[1]"}


# --- what is refused ---------------------------------------------------------------------------------------------------

FIELDS = "data.body.tables.0.lines.0.fields"
TOTAL, DEPTH_FIELD = "list.0.visit_total", "list.0.visit_depth"
NO_COUNTS = ["many", "", "1_000", " 4", "٣", True, [], {}, 1.5, "1.5", 2**63, -(2**63) - 1, 1e30, math.nan, math.inf]


@pytest.mark.parametrize(
    ("name", "path", "value", "complaint"),
    [
        *(("daily_summary", "list", bad, "list is no array") for bad in (MISSING, None, {}, "x", 0)),
        *(("daily_summary", "list.0", bad, "entry 1 of list is no object") for bad in (None, 5, [], "x")),
        *(("daily_summary", TOTAL, bad, "visit_total is no INT64") for bad in NO_COUNTS),
        *(
            (TREND, DEPTH_FIELD, bad, "visit_depth is no FLOAT64")
            for bad in ("x", "1_0", False, [], math.nan, -math.inf)
        ),
        *((PAGE, "list.0.page_path", bad, "page_path is no STRING") for bad in (5, ["a"], "a\ud800")),
        (PAGE, "list.3", "x", "entry 4 of list is no object"),
        *((PAGE, "list.0.page_path", bad, "an entry lacks page_path") for bad in (MISSING, None)),
        *((SPREAD, "list.0.index", bad, "an entry lacks index") for bad in (MISSING, None)),
        *((SPREAD, "list.0.index", bad, "distribution is no STRING") for bad in (5, [])),
        *((SPREAD, "list.0.item_list", bad, "item_list is no array") for bad in (MISSING, None, {})),
        (SPREAD, "list.1.item_list.2", 7, "entry 3 of item_list is no object"),
        *((SPREAD, "list.0.item_list.0.key", bad, "an entry lacks key") for bad in (MISSING, None)),
        *((SPREAD, "list.0.item_list.0.key", bad, "key is no INT64") for bad in ("x", True, 1.5)),
        (SPREAD, "list.0.item_list.0.value", "x", "item_value is no INT64"),
        *((RETAIN, "visit_uv", bad, "visit_uv is no array") for bad in (None, "x", 5)),
        (RETAIN, "visit_uv.0", 5, "entry 1 of visit_uv is no object"),
        *((RETAIN, "visit_uv_new.0.key", bad, "an entry lacks key") for bad in (MISSING, None)),
        (RETAIN, "visit_uv_new.0.key", "x", "period_offset is no INT64"),
        (RETAIN, "visit_uv.0.value", "x", "users is no INT64"),
        *(("user_portrait", "visit_uv", bad, "visit_uv is no object") for bad in (None, [], "x")),
        ("user_portrait", "visit_uv.city.0", 5, "entry 1 of city is no object"),
        *(("user_portrait", "visit_uv.city.0.name", bad, "an entry lacks name") for bad in (MISSING, None)),
        ("user_portrait", "visit_uv.city.0.id", "x", "item_id is no INT64"),
        ("user_portrait", "visit_uv.city.0.name", 5, "item_name is no STRING"),
        *(("performance_data", "data", bad, "data is no object") for bad in (MISSING, None, [])),
        *(("performance_data", "data.body", bad, "body is no object") for bad in (MISSING, None, "x")),
        *(("performance_data", "data.body.tables", bad, "tables is no array") for bad in (MISSING, None, {})),
        ("performance_data", "data.body.tables.0", 5, "entry 1 of tables is no object"),
        ("performance_data", "data.body.tables.0.lines", MISSING, "lines is no array"),
        ("performance_data", "data.body.tables.0.id", MISSING, "an entry lacks id"),
        ("performance_data", FIELDS, None, "fields is no array"),
        ("performance_data", f"{FIELDS}.0.refdate", MISSING, "an entry lacks refdate"),
        ("performance_data", f"{FIELDS}.0.refdate", "20210104", "ref_date"),
        ("performance_data", f"{FIELDS}.0.value", "x", "value is no FLOAT64"),
        *(("daily_summary", "list.0.ref_date", bad, "ref_date") for bad in (MISSING, None, "20170314", 20170313)),
        *(("daily_summary", "ref_date", bad, "ref_date") for bad in ("20170314", 20170313, "")),
        *((PAGE, "ref_date", bad, "ref_date") for bad in (MISSING, None, "20170314", "2017-03-13", 20170313, [])),
        *((SPREAD, "ref_date", bad, "ref_date") for bad in (MISSING, "20170313-20170313")),
        *(("weekly_retain", "ref_date", bad, "ref_date") for bad in ("20170306", "20170312", "20170313-20170319")),
        ("weekly_visit_trend", "list.0.ref_date", "20170306", "ref_date"),
        ("monthly_visit_trend", "list.0.ref_date", "20170301-20170331", "ref_date"),
        *(("user_portrait_7d", "ref_date", bad, "ref_date") for bad in (MISSING, "20170612", "20170610-20170616")),
    ],
    ids=lambda part: "missing" if part is MISSING else show(part)[:30],
)
def test_a_malformed_reply_is_refused(name: str, path: str, value: Any, complaint: str) -> None:
    with pytest.raises(PayloadError, match=complaint) as caught:
        read(name, changed(name, path, value))
    message = str(caught.value)
    message.encode()
    end = dt.date.fromisoformat(LAST_DAYS[name])
    assert message.startswith(f"{name} {ENDPOINTS[name].window.ending(end)} of app {APPID}: ")
    assert ENDPOINTS[name].docs in message
    if not complaint.startswith("an entry lacks"):
        assert f" {show(None if value is MISSING else value)}" in message


@pytest.mark.parametrize("name", ["daily_retain", "user_portrait"])
def test_a_reply_without_cohorts_is_refused(name: str) -> None:
    with pytest.raises(PayloadError, match=r"neither visit_uv_new nor visit_uv, only \['errmsg'\]"):
        read(name, {"errmsg": "ok"})


@pytest.mark.parametrize("reply", [{"ref_date": "20240104", "list": []}, {"ref_date": 20240105, "list": []}])
def test_an_empty_reply_for_another_day_is_refused(reply: Any) -> None:
    with pytest.raises(PayloadError, match="where 20240105 was asked for"):
        read(PAGE, reply, "2024-01-05")


def test_the_official_performance_sample_spans_two_days_and_is_refused_for_one() -> None:
    reply = json.loads((FIXTURES / "performance_data.json").read_text(encoding="utf-8"))
    with pytest.raises(PayloadError, match="'20210104' where 20210103 was asked for"):
        read("performance_data", reply)


# --- what passes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "count"), [(391.0, 391), ("391", 391), ("391.0", 391), (None, None), (MISSING, None)]
)
def test_counts_may_be_whole_floats_strings_or_absent(value: Any, count: int | None) -> None:
    (row,) = read("daily_summary", changed("daily_summary", TOTAL, value)).rows
    assert repr(own("daily_summary", row)) == repr((count, 572, 383))


def test_a_cohort_may_be_a_lone_object_or_absent() -> None:
    lone = changed(RETAIN, "visit_uv", {"key": 0, "value": 55500})
    assert read(RETAIN, lone) == read(RETAIN, sample(RETAIN))
    assert [own(RETAIN, row) for row in read(RETAIN, changed(RETAIN, "visit_uv", MISSING)).rows] == [(NEW, 0, 5464)]


@pytest.mark.parametrize("ref_date", ["20170611", "20170617", "20170611-20170617"])
def test_a_portrait_may_name_its_window_or_either_end(ref_date: str) -> None:
    report = read("user_portrait_7d", changed("user_portrait_7d", "ref_date", ref_date))
    assert {row["ref_date"] for row in report.rows} == {ref_date}


def test_a_new_portrait_dimension_becomes_rows() -> None:
    report = read("user_portrait", changed("user_portrait", "visit_uv.moods", [{"id": 4, "name": "喜", "value": 3}]))
    assert own("user_portrait", report.rows[-1]) == (ALL, "moods", 4, "喜", 3)


@pytest.mark.parametrize(
    ("name", "path", "key_again"),
    [
        ("daily_summary", "list", {"ref_date": "20170313"}),
        (SPREAD, "list.0.item_list", {"key": "10", "value": 0}),
        (RETAIN, "visit_uv", {"key": 0.0}),
        (PAGE, "list", {"page_path": "pages/main/main.html"}),
        ("user_portrait", "visit_uv.devices", {"name": "OPPO R9"}),
        ("performance_data", FIELDS, {"refdate": "20210103"}),
    ],
)
def test_duplicates_are_kept_and_counted(name: str, path: str, key_again: Any) -> None:
    reply = sample(name)
    entries = reply
    for step in path.split("."):
        entries = entries[int(step) if step.isdigit() else step]
    count = len(read(name, reply).rows)
    entries.append(key_again)
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


# --- unknown fields ----------------------------------------------------------------------------------------------------

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
        "data.": 2,
        "data.body.": 2,
        "data.body.tables.0.": 1,
        "data.body.tables.0.lines.0.": 1,
        f"{FIELDS}.0.": 1,
    },
}


@pytest.mark.parametrize(
    ("name", "place", "count"),
    [(name, place, count) for name, places in PLACES.items() for place, count in places.items()],
)
def test_unknown_fields_are_kept_and_reported(name: str, place: str, count: int) -> None:
    report = read(name, changed(name, f"{place}news", NEWS))
    assert report.unknown == {"news"}
    assert [row["_extra"] for row in report.rows if row["_extra"]] == [{"news": KEPT}] * count
    assert [own(name, row) for row in report.rows] == [own(name, row) for row in read(name, sample(name)).rows]


@pytest.mark.parametrize(
    ("name", "outer", "inner"),
    [
        (name, outer, inner)
        for name, places in PLACES.items()
        for number, outer in enumerate(places)
        for inner in list(places)[number + 1 :]
    ],
)
def test_unknown_fields_of_one_name_are_all_kept(name: str, outer: str, inner: str) -> None:
    reply = replace(changed(name, f"{outer}news", "outer"), f"{inner}news", "inner")
    kept = [set(row["_extra"].values()) for row in read(name, reply).rows if row["_extra"]]
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
    report = read(name, changed(name, path, "news"))
    assert [list(row["_extra"].values()) for row in report.rows if row["_extra"]] == [["news"]]
    assert [own(name, row) for row in report.rows] == [own(name, row) for row in read(name, sample(name)).rows]


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    ("value", "complaint"),
    [(nested(200), "levels deep"), ([math.nan], "no JSON number"), ({"a": "\udfff"}, "not Unicode")],
    ids=["deep", "NaN", "surrogate"],
)
@pytest.mark.parametrize("place", ["", "list.0."])
def test_unknown_fields_that_bigquery_cannot_hold_are_refused(place: str, value: Any, complaint: str) -> None:
    with pytest.raises(PayloadError, match=f"visit_page 2017-03-13 of app {APPID}: .*{complaint}") as caught:
        read(PAGE, changed(PAGE, f"{place}news", value))
    str(caught.value).encode()
