"""Names to fill the replies with: pages, places, phones, metrics.

WeChat publishes none of its id tables. The ids here are made up, except those in its samples: 31 for 广东省, 3102 for
广州, and 1 for the first gender, platform and age. So is the wording of most metrics.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

#: Where the buckets of stay times (keys 1 to 8, in seconds) and of depths (keys 1 to 7, in pages) end; the last do not.
STAY_TIMES = (2, 5, 10, 20, 30, 50, 100)
DEPTHS = (1, 2, 3, 4, 5, 10)

_WORDS = (
    *("home", "search", "list", "detail", "cart", "order", "pay", "member", "profile", "coupon"),
    *("address", "review", "help", "about", "message", "activity", "share", "scan", "store", "video"),
)


class Entry(NamedTuple):
    """One entry of a portrait's dimension."""

    id: int | None
    name: str
    weight: float


class Metric(NamedTuple):
    """One metric of a performance module."""

    id: str
    zh: str
    typical: float


def page_paths(count: int) -> list[str]:
    """Return ``count`` page paths, the start page first."""
    paths = itertools.chain(
        ["pages/index/index"],
        (f"pages/{word}/{word}" for word in _WORDS),
        (f"packages/{package}/pages/{word}/{word}" for package in _WORDS for word in _WORDS),
        (f"pages/more/{number}" for number in itertools.count(1)),
    )
    return list(itertools.islice(paths, count))


def _entries(ids: Sequence[int | None], listed: str, fall: float) -> tuple[Entry, ...]:
    named = zip(ids, listed.split("、"), strict=False)
    return tuple(Entry(id_, name, (place + 1) ** -fall) for place, (id_, name) in enumerate(named))


#: Dimension -> the share of people it knows of, and its entries. The devices of a real reply have no id.
PORTRAIT: Mapping[str, tuple[float, tuple[Entry, ...]]] = {
    "province": (
        0.97,
        _entries(
            range(31, 65),
            "广东省、江苏省、浙江省、山东省、河南省、四川省、北京市、上海市、湖北省、湖南省、河北省、福建省、安徽省、陕西省、"
            "辽宁省、重庆市、江西省、广西、云南省、山西省、天津市、黑龙江省、吉林省、贵州省、内蒙古、甘肃省、新疆、海南省、"
            "宁夏、青海省、西藏、香港、台湾、澳门",
            0.8,
        ),
    ),
    "city": (
        0.62,
        _entries(
            range(3102, 3126),
            "广州、深圳、北京、上海、杭州、成都、苏州、武汉、南京、重庆、西安、郑州、长沙、东莞、佛山、宁波、青岛、合肥、天津、"
            "厦门、福州、济南、昆明、沈阳",
            0.7,
        ),
    ),
    "genders": (1.0, _entries((1, 2, 3), "男、女、未知", 1.1)),
    "platforms": (1.0, _entries((1, 2, 3), "iPhone、android、其他", 1.2)),
    "devices": (
        0.7,
        _entries(
            (None,) * 16,
            "iPhone 13、iPhone 12、HUAWEI Mate 40、OPPO R9、iPhone 11、Redmi K40、vivo X60、HONOR 50、"
            "iPhone 14 Pro、Mi 11、OPPO Reno6、vivo S9、HUAWEI P40、iPhone XR、HONOR 20、Redmi Note 9",
            0.6,
        ),
    ),
    "ages": (0.98, _entries(range(1, 7), "17岁以下、18-24岁、25-29岁、30-39岁、40-49岁、50岁以上", 0.3)),
}

#: Module -> its metrics.
METRICS: Mapping[str, tuple[Metric, ...]] = {
    "10016": (Metric("openrate", "打开率", 94),),
    "10017": (
        Metric("costtime", "启动总耗时均值", 1800),
        Metric("downloadtime", "代码包下载耗时均值", 620),
        Metric("injecttime", "代码注入耗时均值", 350),
    ),
    "10021": (Metric("costtime", "页面切换耗时均值", 240),),
    "10022": (Metric("memorydiff", "内存增长均值", 70), Metric("memory", "内存均值", 310)),
    "10023": (Metric("memoryerror", "内存异常次数", 25),),
}

#: Module -> the filters that make a difference to it.
USABLE_FILTERS: Mapping[str, tuple[str, ...]] = {
    "10016": ("networktype", "device_level", "device"),
    "10017": ("networktype", "device_level", "device"),
    "10021": ("device_level", "device"),
    "10022": ("device_level", "device"),
    "10023": ("device_level", "device"),
}
