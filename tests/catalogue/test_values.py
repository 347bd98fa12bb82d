"""Single JSON values: what passes as which BigQuery type, and that nothing else does."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_wxanalysis.catalogue.values import Malformed, convert, json_safe, show

int64s = st.integers(-(2**63), 2**63 - 1)
exact_floats = st.integers(-(2**53) + 1, 2**53 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | int64s | finite | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)


def same(left: Any, right: Any) -> bool:
    return (type(left), left) == (type(right), right)


@given(int64s)
def test_integers_pass_unchanged(number: int) -> None:
    assert same(convert("n", "INT64", number), number)
    assert same(convert("n", "INT64", str(number)), number)


@given(exact_floats)
def test_whole_floats_pass_as_integers(number: int) -> None:
    assert same(convert("n", "INT64", float(number)), number)
    assert same(convert("n", "INT64", f"{number}.0"), number)


@given(finite)
def test_finite_numbers_pass_as_floats(number: float) -> None:
    assert same(convert("x", "FLOAT64", number), number)
    assert same(convert("x", "FLOAT64", repr(number)), number)


@given(text)
def test_text_passes_unchanged(value: str) -> None:
    assert convert("s", "STRING", value) == value


@pytest.mark.parametrize("column_type", ["INT64", "FLOAT64", "STRING"])
def test_null_stays_null(column_type: str) -> None:
    assert convert("n", column_type, None) is None


@pytest.mark.parametrize(
    ("column_type", "value", "converted"),
    [
        ("INT64", 8.0, 8),
        ("INT64", "007", 7),
        ("INT64", "-0", 0),
        ("INT64", "1e3", 1000),
        ("INT64", 2.0**53 - 1, 2**53 - 1),
        ("INT64", f"-{2**53 - 1}.0", 1 - 2**53),
        ("FLOAT64", 211, 211.0),
        ("FLOAT64", "70.7778", 70.7778),
        ("FLOAT64", "-1.5E-3", -0.0015),
        ("STRING", "", ""),
    ],
)
def test_lenient_conversions(column_type: str, value: Any, converted: Any) -> None:
    assert same(convert("n", column_type, value), converted)


NOT_NUMBERS: list[Any] = [
    *(True, False, [], [1], {}, {"a": 1}, b"1"),
    *("", " ", "-", "abc", "4a", "1_000", "1,000", " 4", "4 ", "4\n", "+4", "٣", "４", "0x10", "1.", ".5", "--1", "1e"),
    *("nan", "NaN", "inf", "Infinity", "-Infinity", "1e999", math.nan, math.inf, -math.inf, 10**400),
]
NO_TEXTS: list[Any] = [[], {}, b"a", "\ud800", "a\udfff"]
REFUSED: list[tuple[str, Any]] = [
    *(("INT64", value) for value in [*NOT_NUMBERS, 1.5, "1.5", "-0.1", 5e-324]),
    *(("INT64", value) for value in (2**63, -(2**63) - 1, str(2**63), 2.0**63, -(2.0**63), 1e30, "1e30", "1" * 5000)),
    # From 2**53 on a float stands for several integers: 9007199254740993.0 would become one less.
    *(("INT64", value) for value in ("9007199254740993.0", "9007199254740992.0", 2.0**53, -(2.0**53), "1e16")),
    *(("FLOAT64", value) for value in NOT_NUMBERS),
    *[("STRING", value) for value in (4, 1.5, True, *NO_TEXTS)],
]


@pytest.mark.parametrize(("column_type", "value"), REFUSED, ids=lambda part: show(part)[:30])
def test_nothing_else_passes(column_type: str, value: Any) -> None:
    with pytest.raises(Malformed) as caught:
        convert("a_field", column_type, value)
    message = str(caught.value)
    assert message == f"a_field must be {column_type}, got {show(value)}"
    message.encode()


@given(st.floats().filter(lambda number: not number.is_integer()) | st.text(st.sampled_from("0123456789.eE+-_ ")))
def test_int64_never_bends_a_number(value: float | str) -> None:
    try:
        converted = convert("n", "INT64", value)
    except Malformed:
        return
    assert converted == Decimal(value)


# --- unknown fields -------------------------------------------------------------------------------


@given(json_values)
def test_json_safe_leaves_ordinary_values_alone(value: Any) -> None:
    assert json.dumps(json_safe(value)) == json.dumps(value)


def test_json_safe_spells_out_integers_that_bigquery_cannot_hold() -> None:
    given = {"a": [2**63, -(2**63) - 1, 2**63 - 1, -(2**63)], "b": {"c": 10**30}, "d": True}
    safe = {"a": [str(2**63), str(-(2**63) - 1), 2**63 - 1, -(2**63)], "b": {"c": str(10**30)}, "d": True}
    assert json_safe(given) == safe


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "nan"),
        ({"a": [math.inf, -math.inf]}, {"a": ["inf", "-inf"]}),
        (["\ud800", "好"], ["\\ud800", "好"]),
        ({"\udc00": 1}, {"\\udc00": 1}),
    ],
)
def test_json_safe_spells_out_what_json_cannot(value: Any, text: Any) -> None:
    assert json_safe(value) == text


def test_json_safe_takes_a_hundred_levels_and_spells_out_the_rest() -> None:
    assert json_safe(nested(100)) == nested(100)
    inner = json_safe(nested(103))
    for level in range(100):
        inner = inner[0] if (102 - level) % 2 else inner["a"]
    assert inner == json.dumps(nested(3))


def test_json_safe_takes_any_nesting() -> None:
    json.dumps(json_safe(nested(100_000)))


@pytest.mark.parametrize(("value", "shown"), [("a", "'a'"), (None, "None"), ("x" * 118, repr("x" * 118))])
def test_show(value: Any, shown: str) -> None:
    assert show(value) == shown


def test_show_shortens_long_values() -> None:
    assert show("x" * 119) == show("x" * 500) == "'" + "x" * 116 + "..."


def test_show_takes_any_nesting() -> None:
    assert show(nested(100_000)) in ("dict nested too deep to show", "list nested too deep to show")
