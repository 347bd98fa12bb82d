"""Rows into as few requests as their bytes need."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from typing import Any

import pytest

from airflow_provider_wxanalysis.bigquery.chunks import (
    CHUNK_BYTES,
    MAX_REQUEST_BYTES,
    MAX_SLICES,
    dates,
    encode,
    pack,
)
from airflow_provider_wxanalysis.bigquery.destination import Destination
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.bigquery.statements import merge_statement
from airflow_provider_wxanalysis.exceptions import DestinationError
from airflow_provider_wxanalysis.periods import Period
from tests.bigquery.conftest import PAGES, chunk_of, day, identity, page_rows


def test_a_slice_is_never_split():
    big = [{**row, "page_path": "页" * 200_000} for row in page_rows(day(1), *range(6))]
    chunks = list(pack(encode(PAGES, "wxa", day(number), big) for number in (1, 2, 3)))
    assert [[piece.period for piece in chunk.slices] for chunk in chunks] == [[day(1)], [day(2)], [day(3)]]


def test_a_slice_that_no_request_holds_is_refused():
    huge = [{**row, "page_path": "x" * 1_000_000} for row in page_rows(day(1), *range(8))]
    with pytest.raises(DestinationError, match=r"visit_page 2026-03-01 of app wxa: its 8 rows take 8,\d+,\d+ bytes"):
        encode(PAGES, "wxa", day(1), huge)


def test_a_slice_larger_than_a_chunk_goes_alone():
    large = [{**row, "page_path": "x" * 1_000_000} for row in page_rows(day(1), *range(5))]
    small = page_rows(day(2), 1)
    slices = [
        encode(PAGES, "wxa", day(number), rows) for number, rows in ((1, large), (2, small), (3, small), (4, large))
    ]
    assert [len(chunk.slices) for chunk in pack(slices)] == [1, 2, 1]
    assert CHUNK_BYTES < slices[0].wire_bytes < MAX_REQUEST_BYTES


def test_a_chunk_changes_no_more_partitions_than_a_job_may():
    start = dt.date(2000, 1, 1)
    periods = [Period(start + dt.timedelta(days=n), start + dt.timedelta(days=n)) for n in range(MAX_SLICES + 1)]
    chunks = list(pack(encode(PAGES, "wxa", period, []) for period in periods))
    assert [len(chunk.slices) for chunk in chunks] == [MAX_SLICES, 1]
    assert [len(dates(chunk.keys)) for chunk in chunks] == [MAX_SLICES, 1]
    assert chunks[0].payload == "[]"


@pytest.mark.parametrize("rows", [0, 1])
def test_many_small_slices_take_no_more_than_is_counted(rows):
    """Each slice is named three times in a request: as itself, by its app and by its day."""
    start, views = dt.date(2000, 1, 1), [10] * rows
    slices = []
    for number in range(1000):
        period, appid = Period(start + dt.timedelta(days=number), start + dt.timedelta(days=number)), f"wx{number:016x}"
        slices.append(encode(PAGES, appid, period, page_rows(period, *views, appid=appid)))
    (chunk,) = pack(slices)
    unused: Any = None
    destination = Destination(unused, unused, identity("d" * 250, "r" * 250), TableName("p", "d", "t"), PAGES)
    parameters = destination._merge_parameters(chunk, "j" * 100)
    statement = merge_statement(destination.table, PAGES)
    sent = json.dumps({"query": statement, "queryParameters": [each.to_api_repr() for each in parameters]})
    assert chunk.wire_bytes * 0.5 < len(sent) <= chunk.wire_bytes


def test_nothing_is_packed_into_nothing():
    assert list(pack([])) == []


def test_the_payload_is_utf8_and_holds_the_rows_in_order():
    chunk = chunk_of({day(2): [], day(1): page_rows(day(1), 10, 20)})
    assert "页面1" in chunk.payload
    assert [row[:6] for row in json.loads(chunk.payload)] == [
        ["wxa", "2026-03-01", "2026-03-01", "20260301", 1, "pages/页面1"],
        ["wxa", "2026-03-01", "2026-03-01", "20260301", 2, "pages/页面2"],
    ]


def test_rows_are_encoded_as_they_are():
    texts = ["", "pages/index", "页面/首页", 'q"uo\\te', "emoji 🎉", "\0\x1f\x7f\u2028\n\t/"]
    counts, means = [0, -1, 2**63 - 1, -(2**63)], [0.0, -0.0, 1e16, 1.5e300, 5e-324, 0.1, 21.6099, None]
    everything = list(itertools.product(texts, counts, means))
    extra = {"新": [None, True, {"n": 2**63 - 1, "x": [1e22, 1e-7], "text": texts}]}
    (row,) = page_rows(day(1), 1)
    rows = [
        {**row, "page_path": text, "page_visit_pv": count, "page_staytime_pv": mean, "_extra": extra}
        for text, count, mean in everything
    ]
    found = json.loads(f"[{encode(PAGES, 'wxa', day(1), rows).encoded}]")
    assert [(line[5], line[6], line[8]) for line in found] == everything
    assert {type(line[8]) for line in found} == {float, type(None)}
    assert {line[-1] for line in found} == {json.dumps(extra, ensure_ascii=False, separators=(",", ":"))}, "text as is"


@pytest.mark.parametrize(
    "path", ["pages/index", "页面/首页", 'q"uo\\te', "emoji 🎉"], ids=["ascii", "zh", "quotes", "emoji"]
)
def test_requests_stay_within_the_limit_as_sent(proxy, writer, path):
    """The bound holds for the bytes on the wire, whatever the client's escaping makes of the text."""

    def rows(number):
        return [{**row, "page_path": path * (50_000 // len(path))} for row in page_rows(day(number), *range(10))]

    slices = writer()
    for chunk in pack(encode(PAGES, "wxa", day(number), rows(number)) for number in range(1, 20)):
        slices.replace(chunk)
    sizes = [len(exchange.raw) for exchange in proxy.statements("MERGE")]
    assert len(sizes) > 1
    assert max(sizes) <= CHUNK_BYTES
    assert max(sizes) > CHUNK_BYTES * 0.5
