"""What a reply may have in another form than documented, and is still read in full."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import sample
from tests.wechat.reading import ALL, FIELDS, MISSING, NEW, PAGE, RETAIN, SPREAD, changed, find, own, read


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
