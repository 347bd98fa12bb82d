"""JSON as text: replies in, strictly, and values out."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

import msgspec

from airflow_provider_wxanalysis.catalogue.values import Malformed, show


def parse(data: bytes, *, control_characters: bool = False) -> Any:
    """Return the JSON value that ``data`` spells.

    :param data: the text, in UTF-8.
    :param control_characters: whether texts may hold raw control characters, which JSON forbids and WeChat has sent.
    :raises ValueError: if it is not JSON, NaN and Infinity included; the error may hold the data.
    :raises Malformed: if an object names a field twice, which one parser reads in one way and the next in another, or
        a text is not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise ValueError("it ends within a character") from None
        raise Malformed(f"byte {error.start} of the reply, {data[error.start]:#04x}, is not UTF-8") from None
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object, strict=not control_characters)
    except RecursionError:
        raise ValueError("nested too deep") from None


def dump(value: Any) -> str:
    """Return ``value`` as JSON, always spelled the same."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def dump_rows(rows: list[tuple[Any, ...]]) -> str:
    """Return rows of texts, numbers and nulls as JSON."""
    return msgspec.json.encode(rows).decode()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise Malformed(f"the reply names {show(twice)} twice in one object, so it is unclear which value counts")
    return found
