"""The indexes and keys of getVisitDistribution, the modules of getPerformanceData."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from airflow_provider_wxanalysis.catalogue.labels import (
    DEPTHS,
    DISTRIBUTIONS,
    INDEXES,
    MODULES,
    SOURCES,
    STAY_TIMES,
    Label,
)
from tests.support.samples import published

FACTS = published("key_labels")


def test_indexes() -> None:
    assert list(INDEXES) == list(DISTRIBUTIONS)
    assert DISTRIBUTIONS == {
        "access_source_session_cnt": SOURCES,
        "access_source_visit_uv": SOURCES,
        "access_staytime_info": STAY_TIMES,
        "access_depth_info": DEPTHS,
    }


@pytest.mark.parametrize(("labels", "count"), [(SOURCES, 57), (STAY_TIMES, 8), (DEPTHS, 7)])
def test_keys_count_from_one(labels: Mapping[int, Label], count: int) -> None:
    assert list(labels) == list(range(1, count + 1))


@pytest.mark.parametrize("labels", [SOURCES, STAY_TIMES, DEPTHS, INDEXES, MODULES])
def test_every_key_has_a_name_of_its_own(labels: Mapping[int | str, Label]) -> None:
    for names in zip(*labels.values(), strict=True):  # the Chinese ones, then the English ones
        assert all(name and name == name.strip() for name in names)
        assert len(set(names)) == len(labels)
    assert all(label.en.isascii() for label in labels.values())


@pytest.mark.parametrize("index", ["access_source_session_cnt", "access_depth_info"])
def test_names_are_the_published_ones(index: str) -> None:
    assert {entry["key"]: Label(entry["zh"], entry["en"]) for entry in FACTS[index]} == DISTRIBUTIONS[index]


def test_stay_times_have_the_published_edges() -> None:
    def zh(entry: dict[str, int | None]) -> str:
        first, last = entry["from_s"], entry["to_s"]
        return f">{first} 秒" if last is None else f"{first}-{last} 秒"

    assert {entry["key"]: zh(entry) for entry in FACTS["access_staytime_info"]} == {
        key: label.zh for key, label in STAY_TIMES.items()
    }
    assert [label.en for label in STAY_TIMES.values()] == [
        *("0-2 s", "3-5 s", "6-10 s", "11-20 s", "20-30 s", "30-50 s", "50-100 s", "over 100 s"),
    ]
