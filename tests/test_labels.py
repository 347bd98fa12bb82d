"""The keys of getVisitDistribution."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from airflow_provider_wxanalysis.labels import DEPTHS, DISTRIBUTIONS, SOURCES, STAY_TIMES, Label


def test_indexes() -> None:
    assert DISTRIBUTIONS == {
        "access_source_session_cnt": SOURCES,
        "access_source_visit_uv": SOURCES,
        "access_staytime_info": STAY_TIMES,
        "access_depth_info": DEPTHS,
    }


@pytest.mark.parametrize(("labels", "count"), [(SOURCES, 57), (STAY_TIMES, 8), (DEPTHS, 7)])
def test_every_key_has_a_name_of_its_own(labels: Mapping[int, Label], count: int) -> None:
    assert list(labels) == list(range(1, count + 1))
    for names in zip(*labels.values(), strict=True):  # the Chinese ones, then the English ones
        assert all(name and name == name.strip() for name in names)
        assert len(set(names)) == count
    assert all(label.en.isascii() for label in labels.values())


@pytest.mark.parametrize(
    ("index", "key", "zh", "en"),
    [
        ("access_source_session_cnt", 1, "小程序历史列表", "Mini Program history list"),
        ("access_source_session_cnt", 10, "其他", "Other"),
        ("access_source_session_cnt", 14, "APP分享", "Shared from an app"),
        ("access_source_session_cnt", 22, "其他小程序", "Another Mini Program"),
        ("access_source_session_cnt", 23, "其他小程序返回", "Return from another Mini Program"),
        ("access_source_session_cnt", 29, "任务栏-最近使用", "Task bar: recently used"),
        ("access_source_session_cnt", 33, "微信广告", "WeChat ads"),
        ("access_source_session_cnt", 46, "朋友圈", "Moments"),
        ("access_source_visit_uv", 36, "任务栏-我的小程序", "Task bar: my Mini Programs"),
        ("access_source_visit_uv", 57, "群工具", "Group tools"),
        ("access_staytime_info", 1, "0-2 秒", "0-2 s"),
        ("access_staytime_info", 5, "20-30 秒", "20-30 s"),
        ("access_staytime_info", 7, "50-100 秒", "50-100 s"),
        ("access_staytime_info", 8, ">100 秒", "over 100 s"),
        ("access_depth_info", 1, "1 页", "1 page"),
        ("access_depth_info", 5, "5 页", "5 pages"),
        ("access_depth_info", 6, "6-10 页", "6-10 pages"),
        ("access_depth_info", 7, ">10 页", "more than 10 pages"),
    ],
)
def test_labels(index: str, key: int, zh: str, en: str) -> None:
    assert DISTRIBUTIONS[index][key] == Label(zh, en)
