"""From WeChat's replies to rows: the documented samples, by hand."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest

from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.support.samples import LAST_DAYS, period, sample
from tests.wechat.reading import ALL, APPID, BY_SOURCE, DEPTH, NEW, PAGE, RETAIN, SOURCE, SPREAD, TREND, own, read

BY_DEPTH = ("访问深度分布", "Openings by depth")
SELECTED = ("10022", "内存指标", "Memory", "wifi", "1", "1")
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
