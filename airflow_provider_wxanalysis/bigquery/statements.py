"""The SQL that replaces slices, and how rows are packed into requests that BigQuery takes. Pure.

A *slice* is what one app has of one period in a table. One MERGE replaces any number of them: its DELETE branch takes
away what the slices hold, its INSERT branch writes the new rows, and both happen at once or not at all.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING, LOAD
from airflow_provider_wxanalysis.catalogue.json_text import dump, dump_rows
from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.exceptions import DestinationError
from airflow_provider_wxanalysis.periods import Period

#: BigQuery takes requests of up to 10 MB and changes up to 4,000 partitions per job.
MAX_REQUEST_BYTES = 8_000_000
#: How large a request grows by taking in slices: while it is sent and answered the process holds several copies.
CHUNK_BYTES = 4_000_000
MAX_PARTITIONS = 4_000
#: What a request holds beside the rows: the statement and its settings, and the two dates of each slice, twice.
_REQUEST_BYTES = 20_000
_SLICE_BYTES = 250


@dataclass(frozen=True)
class Slice:
    """One period's rows, encoded.

    :param period: the period.
    :param rows: how many rows there are.
    :param encoded: the rows as JSON arrays of values, separated by commas.
    :param wire_bytes: how much of a request they take.
    """

    period: Period
    rows: int
    encoded: str
    wire_bytes: int


@dataclass
class Chunk:
    """The slices that one MERGE replaces."""

    slices: list[Slice] = field(default_factory=list)
    wire_bytes: int = _REQUEST_BYTES

    def add(self, piece: Slice) -> None:
        """Take in another slice."""
        self.slices.append(piece)
        self.wire_bytes += piece.wire_bytes

    def has_room_for(self, piece: Slice) -> bool:
        """Whether the request stays within its bounds with another slice."""
        return len(self.slices) < MAX_PARTITIONS and self.wire_bytes + piece.wire_bytes <= CHUNK_BYTES

    @property
    def pairs(self) -> list[tuple[dt.date, dt.date]]:
        """First and last day of every slice."""
        return [(piece.period.begin_date, piece.period.end_date) for piece in self.slices]

    @property
    def dates(self) -> list[dt.date]:
        """The partitions that the slices lie in."""
        return sorted({piece.period.begin_date for piece in self.slices})

    @property
    def payload(self) -> str:
        """All rows as one JSON array."""
        return f"[{','.join(piece.encoded for piece in self.slices if piece.rows)}]"


def encode(endpoint: Endpoint, period: Period, rows: list[dict[str, Any]]) -> Slice:
    """Encode one period's rows.

    :raises DestinationError: if they are more than one request holds; a slice is never split.
    """
    *names, _ = _source_names(endpoint)
    values = itemgetter(*names)
    # One call for all rows: per row it takes three times as long.
    encoded = dump_rows([(*values(row), _dumped(row[EXTRA.name])) for row in rows])[1:-1]
    wire_bytes = _escaped_length(encoded) + _SLICE_BYTES
    if wire_bytes + _REQUEST_BYTES > MAX_REQUEST_BYTES:
        raise DestinationError(
            f"{endpoint.name} {period}: its {len(rows)} rows take {wire_bytes:,} bytes, more than the "
            f"{MAX_REQUEST_BYTES:,} that one BigQuery statement can replace at once. Nothing was written."
        )
    return Slice(period, len(rows), encoded, wire_bytes)


def pack(slices: Iterable[Slice]) -> Iterator[Chunk]:
    """Pack slices into as few chunks as their bytes need, in order."""
    chunk = Chunk()
    for piece in slices:
        if chunk.slices and not chunk.has_room_for(piece):  # one slice alone may be larger than a chunk
            yield chunk
            chunk = Chunk()
        chunk.add(piece)
    if chunk.slices:
        yield chunk


def merge_statement(table: TableName, endpoint: Endpoint) -> str:
    """Return the MERGE; its parameters: rows, appid, dates, pairs, load_id, run_id, dag_id, task_id."""
    columns = {column.name: column.type for column in endpoint.table_columns}
    names = _source_names(endpoint)
    source = ",\n    ".join(f"{_parsed(columns[name], number)} AS {name}" for number, name in enumerate(names))
    loaded_at, *identity = (column.name for column in LOAD)
    values: Mapping[str, str] = {
        LEADING[0].name: "@appid",
        **{name: f"S.{name}" for name in names},
        loaded_at: "CURRENT_TIMESTAMP()",
        **{name: f"@{name.lstrip('_')}" for name in identity},
    }
    return f"""MERGE `{table}` AS T
USING (
  SELECT
    {source}
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS r
) AS S
ON FALSE
WHEN NOT MATCHED BY SOURCE AND T.appid = @appid AND T.begin_date IN UNNEST(@dates)
  AND STRUCT(T.begin_date, T.end_date) IN UNNEST(@pairs) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({", ".join(values)})
  VALUES ({", ".join(values.values())})"""


def contents_statement(table: TableName) -> str:
    """Return the query that tells what the slices hold; its parameters: appid, dates."""
    return f"""SELECT begin_date, end_date, COUNT(*) AS row_count, COUNT(DISTINCT _load_id) AS loads,
  MIN(_load_id) AS load_id
FROM `{table}`
WHERE appid = @appid AND begin_date IN UNNEST(@dates)
GROUP BY begin_date, end_date"""


def _source_names(endpoint: Endpoint) -> list[str]:
    """The columns whose values travel with each row: all but the app, which a chunk shares, and the load columns."""
    return [column.name for column in (*LEADING[1:], *endpoint.columns, EXTRA)]


def _parsed(column_type: str, number: int) -> str:
    value = f"JSON_VALUE(r, '$[{number}]')"
    if column_type == "JSON":
        return f"PARSE_JSON({value})"
    return value if column_type == "STRING" else f"CAST({value} AS {column_type})"


def _escaped_length(encoded: str) -> int:
    """How long the JSON becomes when the client escapes it once more, in ASCII, as a string of its request."""
    if not encoded.isascii():
        return len(json.dumps(encoded))
    return len(encoded) + encoded.count('"') + encoded.count("\\")


def _dumped(extra: Any) -> str | None:
    return None if extra is None else dump(extra)
