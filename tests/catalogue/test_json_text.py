"""Replies are read alike with orjson and without it, whatever they hold."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_wxanalysis.catalogue import json_text
from airflow_provider_wxanalysis.catalogue.json_text import parse
from airflow_provider_wxanalysis.catalogue.values import Malformed

NUMBERS = st.integers() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)
#: Texts around what orjson and json read differently.
TEXTS = st.text('{}[]",:\\ud8019e.-+ aN', max_size=30)


def outcome(data, monkeypatch, *, orjson):
    with monkeypatch.context() as patched:
        if not orjson:
            patched.setattr(json_text, "orjson", None)
        try:
            return repr(parse(data))  # which tells 1 from 1.0 and True
        except Malformed as error:
            return str(error)
        except ValueError as error:
            return type(error)


@given(VALUES | VALUES.map(json.dumps), st.booleans())
def test_json_is_read_as_python_reads_it(value, ascii_only):
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert repr(parse(data)) == repr(json.loads(data))


@given(data=TEXTS.map(str.encode) | st.binary(max_size=20))
@example(b'{"a":1,"a":1}')
@example(b'{"list":[{"a":1,"\\u0061":2}]}')
@example(b'{"a:":1,"b":{"c":2,"c":3}}')
@example(b'{"a":[[{"b":1,"b":{}}],"::"]}')
@example(b"18446744073709551616")
@example(b"[-9223372036854775809]")
@example(b"1e400")
@example(b'"\\ud800"')
@example(b"\xef\xbb\xbf{}")
@example(b"NaN")
@example(b"[" * 5000 + b"]" * 5000)
def test_orjson_changes_nothing(data):
    monkeypatch = pytest.MonkeyPatch()
    assert outcome(data, monkeypatch, orjson=True) == outcome(data, monkeypatch, orjson=False)


@pytest.mark.parametrize("missing", [False, True], ids=["orjson", "without"])
@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":1}', b'{"list":[{"a":1},{"a":1,"a":2}]}', b'{"x":{"y":[{"a":{"z":1},"a":"b:c"}]}}'],
    ids=["at the top", "in a row", "deep, beside a colon"],
)
def test_a_name_given_twice_is_refused(monkeypatch, missing, data):
    if missing:
        monkeypatch.setattr(json_text, "orjson", None)
    with pytest.raises(Malformed, match="names 'a' twice"):
        parse(data)


def test_orjson_is_used_where_it_can_be(monkeypatch):
    """Or the extra would gain nothing, and the tests above would compare json with itself."""
    monkeypatch.setattr(json, "loads", None)
    assert parse(b'{"ref_date":"20261031","list":[{"page":"a/b","pv":1},{"page":"c","pv":2.5,"more":{"deep":[{}]}}]}')
    assert math.copysign(1, parse(b"-0.0")) == -1
