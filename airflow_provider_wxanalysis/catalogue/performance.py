"""What is special about getPerformanceData: one request per module and combination of filters."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from airflow_provider_wxanalysis.catalogue.labels import MODULES
from airflow_provider_wxanalysis.catalogue.values import show
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import Period

#: The module and the filters of one request, by column.
Selection = Mapping[str, str]

#: WeChat's name of each filter, by the column that holds it.
WIRE_NAMES = {"network_type": "networktype", "device_level": "device_level", "device": "device"}
#: Option -> the column it fills and the values it takes. ``all`` stands for WeChat's ``-1``.
OPTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "modules": ("module", tuple(MODULES)),
    "network_types": ("network_type", ("all", "3g", "4g", "wifi")),
    "device_levels": ("device_level", ("all", "1", "2", "3")),
    "devices": ("device", ("all", "1", "2")),
}


def selections(options: Mapping[str, Any]) -> tuple[Selection, ...]:
    """Return what ``options`` select, one request each; by default every module with every filter ``all``.

    :param options: lists of values by the names of :data:`OPTIONS`; ``None`` stands for the default.
    :raises ConfigurationError: if there is no such option or value.
    """
    unknown = [option for option in options if option not in OPTIONS]
    if unknown:
        raise ConfigurationError(f"performance_data has no option {unknown[0]!r}; it takes {', '.join(OPTIONS)}.")
    names = [column for column, _ in OPTIONS.values()]
    chosen = [_values(option, options.get(option), allowed) for option, (_, allowed) in OPTIONS.items()]
    return tuple(dict(zip(names, values, strict=True)) for values in itertools.product(*chosen))


def _values(option: str, given: Any, allowed: tuple[str, ...]) -> Iterable[str]:
    if given is None:
        return ("all",) if "all" in allowed else allowed
    if isinstance(given, str) or not isinstance(given, Collection):
        raise ConfigurationError(f"performance_data: {option} must be a list of values, got {show(given)}.")
    values = ["all" if str(value) == "-1" else str(value) for value in given]
    if not values or len(set(values)) < len(values) or not set(values) <= set(allowed):
        raise ConfigurationError(
            f"performance_data cannot be asked for {option}={values!r}; "
            f"choose one or more of {', '.join(allowed)}, each once."
        )
    return values


def body(period: Period, selection: Selection) -> dict[str, Any]:
    """Return the request body for one selection of ``period``."""
    # WeChat counts the days that the two timestamps fall on, so the end is the last second of the last day.
    return {
        "time": {
            "begin_timestamp": int(period.opens_at.timestamp()),
            "end_timestamp": int(period.closes_at.timestamp()) - 1,
        },
        "module": selection["module"],
        "params": [
            {"field": field, "value": "-1" if selection[column] == "all" else selection[column]}
            for column, field in WIRE_NAMES.items()
        ],
    }
