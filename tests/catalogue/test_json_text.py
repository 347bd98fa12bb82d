"""Replies as text: what is read, what is refused, and with which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_wxanalysis.catalogue.json_text import dump_rows, parse
from airflow_provider_wxanalysis.catalogue.values import Malformed

NUMBERS = st.integers() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(VALUES | VALUES.map(json.dumps), st.booleans())
def test_json_is_read_as_python_reads_it(value: Any, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert repr(parse(data)) == repr(json.loads(data))


@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":1}', b'{"list":[{"a":1},{"a":1,"\\u0061":2}]}', b'{"x":{"y":[{"a":{"z":1},"a":"b:c"}]}}'],
    ids=["at the top", "in a row", "deep, next to a colon"],
)
def test_a_name_given_twice_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match="names 'a' twice"):
        parse(data)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"NaN", b'{"a":Infinity}', b"[" * 100_000, b'"\xe8\xae', b'{"a":1}x', "[]".encode("utf-16")]
)
def test_what_is_not_json_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, Malformed)):
        parse(data)


def test_a_text_that_is_not_utf8_is_refused_with_its_place() -> None:
    with pytest.raises(Malformed, match="byte 6 of the reply, 0xff, is not UTF-8"):
        parse(b'{"a":"\xff"}')


@pytest.mark.parametrize("character", ["\x00", "\x01", "\n", "\t", "\x1f"])
def test_raw_control_characters_pass_if_allowed(character: str) -> None:
    data = json.dumps({"a": "b@c"}).replace("@", character).encode()
    with pytest.raises(ValueError, match="Invalid control character"):
        parse(data)
    assert parse(data, control_characters=True) == {"a": f"b{character}c"}


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse(b"\xef\xbb\xbf{}") == {}


@given(
    st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text()))
)
def test_rows_come_back_as_they_were(rows: list[tuple[Any, ...]]) -> None:
    assert repr([tuple(row) for row in json.loads(dump_rows(rows))]) == repr(rows)
