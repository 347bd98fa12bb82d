"""Endpoints by name, and the options that choose between portraits or among performance_data's selections."""

from __future__ import annotations

import re
from typing import Any

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, portrait_name, resolve
from airflow_provider_wxanalysis.exceptions import ConfigurationError

PERFORMANCE_DATA = ENDPOINTS["performance_data"]


def test_resolve_takes_names_and_entries() -> None:
    for name, entry in ENDPOINTS.items():
        assert resolve(name) is resolve(entry) is resolve(name, {}) is entry


def test_an_unknown_endpoint_lists_the_known_nearest_first() -> None:
    with pytest.raises(ConfigurationError, match="no endpoint 'daily_retan'") as caught:
        resolve("daily_retan")
    listed = str(caught.value).partition("nearest first: ")[2].rstrip(".").split(", ")
    assert listed[0] == "daily_retain"
    assert sorted(listed) == sorted(ENDPOINTS)


@pytest.mark.parametrize("name", [name for name, entry in ENDPOINTS.items() if entry.configure is None])
def test_options_are_refused_where_there_are_none(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name} takes no endpoint_options, but \['modules'\]"):
        resolve(name, {"modules": ["10016"]})


@pytest.mark.parametrize(("days", "name"), [(1, "user_portrait"), (7, "user_portrait_7d"), (30, "user_portrait_30d")])
def test_window_days(days: int, name: str) -> None:
    assert portrait_name(days) == name
    assert {resolve(portrait, {"window_days": days}).name for portrait in ENDPOINTS if "portrait" in portrait} == {name}


@pytest.mark.parametrize("days", [True, 0, 2, 7.0, "7", None, -1])
def test_window_days_refuses(days: object) -> None:
    with pytest.raises(ConfigurationError, match="1, 7 or 30 days"):
        portrait_name(days)


@pytest.mark.parametrize("options", [{"days": 7}, {"window_days": 7, "modules": ["10016"]}])
def test_a_portrait_takes_no_other_option(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="window_days only"):
        resolve("user_portrait", options)


# --- performance_data's selections -----------------------------------------------------------------


def selections(**options: Any) -> list[str]:
    return [" ".join(selection.values()) for selection in resolve("performance_data", options).selections]


def test_performance_data_asks_for_every_module_by_default() -> None:
    five = [f"{module} all all all" for module in (10016, 10017, 10021, 10022, 10023)]
    assert selections() == selections(modules=None) == selections(devices=["-1"]) == five
    assert selections(network_types=[-1]) == five
    assert list(PERFORMANCE_DATA.selections[0]) == ["module", "network_type", "device_level", "device"]


def test_performance_data_asks_for_every_combination() -> None:
    assert selections(modules=["10022"], network_types=("wifi", "4g"), devices=[1, 2]) == [
        "10022 wifi all 1",
        "10022 wifi all 2",
        "10022 4g all 1",
        "10022 4g all 2",
    ]
    assert len(selections(network_types=["all", "3g", "4g", "wifi"], device_levels=["1", "2", "3"])) == 5 * 4 * 3


@pytest.mark.parametrize(
    "options",
    [
        *({"modules": bad} for bad in ([], ["10018"], ["all"], ["10016", 10016], "10016", 10016, [None])),
        *({"network_types": bad} for bad in (["5g"], ["WIFI"], "wifi", ["all", "-1"], [["wifi"]])),
        *({"device_levels": bad} for bad in (["4"], ["1", "1"], [True], [1.0])),
        *({"devices": bad} for bad in (["3"], ["ios"], "1", b"1")),
        *({"module": ["10016"]}, {"window_days": 7}),
    ],
)
def test_performance_data_refuses(options: dict[str, Any]) -> None:
    (option,) = options
    with pytest.raises(ConfigurationError, match=f"performance_data.*{option}"):
        resolve("performance_data", options)


def test_labels_differ_by_selection() -> None:
    chosen: list[dict[str, Any]] = [{}, {"modules": ["10016"]}, {"modules": ["10017"]}, {"devices": ["1"]}]
    labels = [resolve("performance_data", options).label for options in chosen]
    assert len(set(labels)) == len(chosen)
    swapped = [resolve("performance_data", {"devices": devices}).label for devices in (["1", "2"], ["2", "1"])]
    assert swapped[0] == swapped[1]
    for label in (*labels, *swapped):
        assert re.fullmatch(r"performance_data-[a-z0-9_-]{1,46}", label)
    for name in set(ENDPOINTS) - {"performance_data"}:
        assert ENDPOINTS[name].label == name
        assert re.fullmatch(r"[a-z0-9_-]{1,63}", name)
