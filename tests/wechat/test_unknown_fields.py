"""Fields that WeChat may add: none is lost, none hides a column, and each is reported."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_wxanalysis.exceptions import PayloadError
from tests.support.samples import sample
from tests.wechat.reading import ALL, BODY, FIELDS, LINES, PAGE, RETAIN, SPREAD, TABLES, changed, find, own, read

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
