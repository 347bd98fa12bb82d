"""Strict conversion of single JSON values into what BigQuery's column types hold."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

_INT64 = range(-(2**63), 2**63)
_LONGEST_INT64 = len(str(_INT64.start))
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
#: From here on a float stands for several whole numbers.
_INEXACT_FLOAT = 2**53
_MAX_DEPTH = 100


class Malformed(Exception):
    """A piece of a reply that is not what it should be; the reader adds endpoint, app and period."""


def convert(name: str, column_type: str, value: Any) -> Any:
    """Return ``value`` as the column type wants it.

    Whole floats and numeric strings pass as numbers, because WeChat writes both; nothing else is coerced.

    :param name: what WeChat calls it, for the message.
    :param column_type: ``INT64``, ``FLOAT64`` or ``STRING``.
    :param value: a parsed JSON value; ``None`` stays ``None``.
    :raises Malformed: if the value is not of that type.
    """
    if value is None:
        return None
    converted = _CONVERTERS[column_type](value)
    if converted is None:
        raise Malformed(f"{name} must be {column_type}, got {show(value)}")
    return converted


def json_safe(value: Any, depth: int = 0) -> Any:
    """Return ``value`` as BigQuery's PARSE_JSON takes it.

    What it cannot hold becomes text: integers beyond 64 bits, infinity, and whatever is nested deeper than 100 levels.
    Lone surrogates are spelled with backslashes.
    """
    if isinstance(value, (dict, list)) and depth == _MAX_DEPTH:
        return json_safe(_as_text(value))
    if isinstance(value, dict):
        return {json_safe(name): json_safe(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [json_safe(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value not in _INT64:
        return str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def show(value: Any) -> str:
    """Return ``value`` as a message shows it, shortened to a readable length."""
    try:
        text = repr(value)
    except RecursionError:
        text = f"{type(value).__name__} nested too deep to show"
    return text if len(text) <= 120 else f"{text[:117]}..."


def _as_text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return show(value)


def _int64(value: Any) -> int | None:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value) if len(value) <= _LONGEST_INT64 else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value in _INT64 else None
    number = _float64(value)
    return int(number) if number is not None and number.is_integer() and abs(number) < _INEXACT_FLOAT else None


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
