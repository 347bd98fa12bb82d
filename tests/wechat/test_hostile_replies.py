"""Replies damaged at random: a typed error, or rows that are right. Nothing in between, and nothing that crashes."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_wxanalysis.bigquery.chunks import encode
from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LOAD
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import DestinationError, PayloadError, TransportError, WeAnalysisError
from airflow_provider_wxanalysis.wechat import records
from airflow_provider_wxanalysis.wechat.errcodes import api_error
from airflow_provider_wxanalysis.wechat.replies import parse_reply
from airflow_provider_wxanalysis.wechat.wire import Received
from tests.support.samples import LAST_DAYS, period, sample
from tests.wechat.reading import APPID, SELECTION, find, read

PYTHON_TYPES = {"INT64": int, "FLOAT64": float, "STRING": str}
#: Several rows share these, so one change of them may change them all.
SHARED = {"index", "id", "zh", "ref_date", "refdate", "visit_uv", "visit_uv_new"}


def received(content: bytes) -> Received:
    """A reply as it comes off the wire."""
    return Received(200, {}, content, reusable=True)


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


hostile = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.just([]), st.just({}),
    st.sampled_from([2**63, -(2**63) - 1, 10**400, -0.0, math.nan, math.inf, 1e308, "1e999", "NaN", "9" * 5000, "\0",
                     "\ud800", "a\udfff", "'; DROP TABLE t; --", "{{ var.value.secret }}", "@rows", "`", "😀",
                     "x" * 10_000]),
    st.sampled_from([50, 99, 150, 700, 850]).map(nested),
)  # fmt: skip


def places(value: Any, path: str = "") -> list[str]:
    """All places within a reply, spelled ``list.0.key``."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for step, held in inner for place in (f"{path}{step}", *places(held, f"{path}{step}."))]


def _sent(column: str, row: dict[str, Any]) -> Any:
    """A value as it travels to BigQuery: unknown fields as JSON within JSON."""
    if column == EXTRA.name and row[column] is not None:
        return json.dumps(row[column], ensure_ascii=False, separators=(",", ":"))
    return row[column]


def _read(name: str, content: bytes) -> tuple[list[dict[str, Any]] | None, str]:
    try:
        reply = parse_reply(received(content), name)
        if error := api_error(reply, name):
            return None, str(error)
        return list(read(name, reply).rows), ""
    except WeAnalysisError as refused:
        return None, str(refused)


def survives(name: str, content: bytes) -> list[dict[str, Any]] | None:
    """Read a reply as it comes off the wire; ``None`` if it is refused as it should be."""
    entry = ENDPOINTS[name]
    rows, message = _read(name, content)
    message.encode()
    assert len(message) < 5000
    if rows is None:
        return None
    for row in rows:
        assert row["appid"] == APPID
        for column in entry.columns:
            value: Any = row[column.name]
            assert value is None or type(value) is PYTHON_TYPES[column.type]
            assert not isinstance(value, float) or math.isfinite(value)
            assert not isinstance(value, int) or -(2**63) <= value < 2**63
    json.dumps(rows, ensure_ascii=False).encode()  # text that is not Unicode cannot be sent
    sent = json.loads(f"[{encode(entry, APPID, period(name), rows).encoded}]")
    assert sent == [[_sent(column.name, row) for column in entry.table_columns[: -len(LOAD)]] for row in rows]
    return rows


#: What JSON can spell and a column cannot hold, or holds only just.
WORST = [
    *(b"1e999", b"-1e999", b"9223372036854775808", b"-9223372036854775809", b"9223372036854775807"),
    *(b'"\\ud800"', b'"a\\udfff"', b'"1e999"', b'"NaN"', b"true", b"{}", b"[]", b"[" * 2000 + b"]" * 2000),
]


@pytest.mark.parametrize("name", LAST_DAYS)
@pytest.mark.parametrize("alone", [False, True], ids=["among others", "alone"])
def test_the_worst_in_every_place(name: str, alone: bool) -> None:
    """In every field, and in every field of a reply of one row, where no other value betrays the column."""
    for place in places(sample(name)):
        reply = sample(name)
        if alone:
            _leave_one(reply)
        try:
            container, last = find(reply, place)
            container[last] = "@worst"
        except IndexError:
            continue  # it went with the other rows
        content = json.dumps(reply).encode()
        for worst in WORST:
            survives(name, content.replace(b'"@worst"', worst))


def damaged() -> int:
    """How many replies this module makes up."""
    worst = 2 * len(WORST) * sum(len(places(sample(name))) for name in LAST_DAYS)
    return worst + (3 * len(LAST_DAYS) + 1) * settings.get_profile("ci").max_examples


def _leave_one(value: Any) -> None:
    if isinstance(value, list):
        del value[1:]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _leave_one(inner)


@pytest.mark.parametrize("name", LAST_DAYS)
@given(st.data())
def test_a_value_replaced(name: str, data: st.DataObject) -> None:
    reply = sample(name)
    before = list(read(name, reply).rows)
    place = data.draw(st.sampled_from(places(reply)))
    container, last = find(reply, place)
    leaf = not isinstance(container[last], (dict, list))
    container[last] = data.draw(hostile)
    rows = survives(name, json.dumps(reply).encode())
    if rows is not None and leaf and last not in SHARED:
        for row in (*before, *rows):
            row.pop("cohort_users", None)  # which all rows of a cohort share
        lost = Counter(repr(row) for row in before) - Counter(repr(row) for row in rows)
        assert len(rows) == len(before)
        assert lost.total() <= 1, "no other row is touched"


@pytest.mark.parametrize("name", LAST_DAYS)
@given(st.data())
def test_a_field_added(name: str, data: st.DataObject) -> None:
    reply = sample(name)
    objects = [place for place in places(reply) if isinstance(find(reply, place)[0], dict)]
    container, _ = find(reply, data.draw(st.sampled_from(objects)))
    container[data.draw(st.text(min_size=1))] = data.draw(hostile)
    rows = survives(name, json.dumps(reply).encode())
    assert rows is None or rows  # a known name may have been hit, but never all rows at once


@pytest.mark.parametrize("name", LAST_DAYS)
@given(st.data())
def test_bytes_changed(name: str, data: st.DataObject) -> None:
    content = json.dumps(sample(name), ensure_ascii=False).encode()
    place = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, 5))
    survives(name, content[:place] + data.draw(st.binary(max_size=5)) + content[place + length :])


@given(st.binary())
@example(b"")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"9" * 100_000)
@example(b'{"list": [], "errcode": ' + b"9" * 4000 + b"}")
@example(b'{"errcode": "' + b"9" * 100_000 + b'"}')
@example(b'{"errcode": 1, "errmsg": "' + b" " * 1_000_000 + b'"}')
@example(b'{"errcode": 1, "errmsg": ' + b"[" * 800 + b"]" * 800 + b"}")
@example(b'{"ref_date": "20170313", "list": ' + b"[" * 900 + b"]" * 900 + b"}")
def test_any_bytes(content: bytes) -> None:
    survives("visit_page", content)


def test_text_of_ten_megabytes() -> None:
    content = b'{"ref_date": "20170313", "list": [{"page_path": "' + b"x" * 10_000_000 + b'"}]}'
    with pytest.raises(DestinationError, match="more than the 8,000,000 that one BigQuery statement can replace"):
        survives("visit_page", content)


def test_the_reply_does_not_choose_the_selection() -> None:
    reply = sample("performance_data")
    reply["data"]["body"]["tables"][0]["lines"][0]["fields"][0]["module"] = "10016"
    rows = records.read(ENDPOINTS["performance_data"], APPID, period("performance_data"), reply, SELECTION).rows
    assert {row["module"] for row in rows} == {SELECTION["module"]}


def test_a_raw_control_character_is_taken_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    content = json.dumps(sample("visit_page")).replace("main.html", "main\x01.html").encode()
    rows = survives("visit_page", content)
    assert rows is not None
    assert rows[0]["page_path"] == "pages/main/main\x01.html"
    assert caplog.messages == [
        "visit_page: the reply holds raw control characters, which JSON forbids; taken as it came."
    ]


def test_bytes_that_are_not_utf8_are_named_with_their_place() -> None:
    content = json.dumps(sample("visit_page")).encode()
    place = content.index(b"main.html")
    with pytest.raises(PayloadError, match=f"visit_page: byte {place} of the reply, 0xff, is not UTF-8"):
        parse_reply(received(content[:place] + b"\xff" + content[place + 1 :]), "visit_page")


def test_a_reply_that_ends_within_a_character_may_come_whole_next_time() -> None:
    content = json.dumps({"list": [{"page_path": "页"}]}, ensure_ascii=False).encode()
    with pytest.raises(TransportError) as caught:
        parse_reply(received(content[: content.index("页".encode()) + 2]), "visit_page")
    assert caught.value.busy
