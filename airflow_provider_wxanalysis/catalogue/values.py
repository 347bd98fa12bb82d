"""Strict conversion of single JSON values into what BigQuery's column types hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_INT64 = range(-(2**63), 2**63)
_LONGEST_INT64 = len(str(_INT64.start))
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
#: Up to here a float stands for one whole number only.
_EXACT_FLOAT = 2**53
_MAX_DEPTH = 100


class Malformed(Exception):
    """A piece of a reply that is not what it should be; the reader adds endpoint, app and period."""


def convert(name: str, column_type: str, value: Any) -> Any:
    """Return ``value`` as the column type wants it.

    Whole floats and numeric strings pass as numbers, because WeChat writes both; nothing else is bent.

    :param name: the column's name, for the message.
    :param column_type: ``INT64``, ``FLOAT64`` or ``STRING``.
    :param value: a parsed JSON value; ``None`` stays ``None``.
    :raises Malformed: if the value is not of that type.
    """
    if value is None:
        return None
    converted = _CONVERTERS[column_type](value)
    if converted is None:
        raise Malformed(f"{name} is no {column_type} but {show(value)}")
    return converted


def convert_all(name: str, column_type: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return what :func:`convert` makes of each value; several times as fast where nothing has to be converted.

    :param name: the column's name, for the message.
    :param column_type: ``INT64``, ``FLOAT64`` or ``STRING``.
    :param values: the column's values.
    :raises Malformed: if one of them is not of that type.
    """
    kind, all_pass = _PASSING[column_type]
    if set(map(type, values)) == {kind} and all_pass(values):
        return values
    return [convert(name, column_type, value) for value in values]


def json_safe(value: Any, depth: int = 0) -> Any:
    """Return ``value`` as BigQuery's PARSE_JSON takes it: integers that it cannot hold become strings.

    :raises Malformed: if it holds NaN, infinity or text that is not Unicode, or is nested too deep.
    """
    if depth > _MAX_DEPTH:
        raise Malformed(f"an unknown field is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {json_safe(name): json_safe(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [json_safe(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise Malformed(f"an unknown field holds {value}, which is no JSON number")
    if isinstance(value, int) and value not in _INT64:
        return str(value)
    if isinstance(value, str) and not _encodable(value):
        raise Malformed(f"an unknown field holds text that is not Unicode: {show(value)}")
    return value


def show(value: Any) -> str:
    """Return ``value`` as a message shows it, cut to a readable length."""
    try:
        text = repr(value)
    except RecursionError:
        text = f"{type(value).__name__} nested too deep to show"
    return text if len(text) <= 120 else f"{text[:117]}..."


def _int64(value: Any) -> int | None:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value) if len(value) <= _LONGEST_INT64 else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value in _INT64 else None
    number = _float64(value)
    if number is None or not number.is_integer() or (isinstance(value, str) and abs(number) > _EXACT_FLOAT):
        return None
    return _int64(int(number))


def _float64(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and _encodable(value) else None


def _encodable(text: str) -> bool:
    """Whether ``text`` is free of lone surrogates, which JSON can spell and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {"INT64": _int64, "FLOAT64": _float64, "STRING": _string}
#: By column type: the type of values that pass as they are, and what makes sure that all of a column's do.
_PASSING: Mapping[str, tuple[type, Callable[[Sequence[Any]], bool]]] = {
    "INT64": (int, lambda values: _INT64.start <= min(values) and max(values) < _INT64.stop),
    "FLOAT64": (float, lambda values: all(map(math.isfinite, values))),
    "STRING": (str, lambda values: _encodable("".join(values))),
}
