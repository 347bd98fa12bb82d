"""JSON as text: replies in, rows out, strictly; with orjson where it is installed and its result is the same."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from airflow_provider_wxanalysis.catalogue.values import Malformed, show

try:  # optional: large replies take less work with it
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

#: orjson bends integers beyond 64 bits, which take this many digits at least.
_DIGITS_TO_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_INTEGER = b"0" * 19


def parse(data: bytes) -> Any:
    """Return the JSON value that ``data`` spells.

    :raises ValueError: if it is no JSON, NaN and Infinity included; the error may hold the data.
    :raises Malformed: if an object names a field twice, which one parser reads in one way and the next in another.
    """
    if orjson and _LONG_INTEGER not in data.translate(_DIGITS_TO_ZEROS):
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            pass  # it may be JSON all the same: orjson is the stricter one, for example about lone surrogates
        else:
            if _as_many_names(value, data.count(b":")):
                return value
    try:
        return json.loads(data, parse_constant=_no_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deep") from None


def dump(value: Any) -> str:
    """Return ``value`` as JSON, always spelled the same."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def dump_rows(rows: list[tuple[Any, ...]]) -> str:
    """Return rows of texts, numbers and nulls as JSON; how a float is spelled differs with and without orjson."""
    return orjson.dumps(rows).decode() if orjson else dump(rows)


def _as_many_names(value: Any, colons: int) -> bool:
    """Whether ``value`` has as many names as its text has colons: then none is there twice, of which orjson keeps one.

    It goes level by level, so that the innermost values, which are most of a reply, are not looked at.
    """
    level = [value]
    while level:
        colons -= sum(len(outer) for outer in level if type(outer) is dict)
        if not colons:
            return True
        opened = (outer.values() if type(outer) is dict else outer for outer in level)
        level = [inner for values in opened for inner in values if type(inner) in (dict, list)]
    return False


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise Malformed(f"the reply names {show(twice)} twice in one object, so it is unclear which value counts")
    return found
