"""Rows, encoded and packed into requests that BigQuery takes. Pure.

A *slice* is what one app has of one period in a table. A *chunk* is the slices, of any apps and periods, that one
statement replaces.

.. seealso:: https://cloud.google.com/bigquery/quotas#query_jobs
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING
from airflow_provider_wxanalysis.catalogue.json_text import dump, dump_rows
from airflow_provider_wxanalysis.catalogue.rows import Rows
from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.exceptions import DestinationError
from airflow_provider_wxanalysis.periods import Period

#: BigQuery takes requests of up to 10 MB.
MAX_REQUEST_BYTES = 8_000_000
#: No slice is added beyond this size: while a request is sent and answered, the process holds several copies.
CHUNK_BYTES = 4_000_000
#: A job may change up to 4,000 partitions, and a slice lies in one partition.
MAX_SLICES = 4_000
#: What a request holds besides the rows: the statement and its settings, and app and dates of each slice.
_REQUEST_BYTES = 20_000
_SLICE_BYTES = 250

#: What identifies a slice within a table: AppID and period.
Key = tuple[str, Period]


class Slice(NamedTuple):
    """One app's rows of one period, encoded.

    :param appid: the app.
    :param period: the period.
    :param rows: how many rows there are.
    :param encoded: the rows as JSON arrays of values, separated by commas.
    :param wire_bytes: how much of a request they take.
    """

    appid: str
    period: Period
    rows: int
    encoded: str
    wire_bytes: int

    @property
    def key(self) -> Key:
        """AppID and period."""
        return self.appid, self.period


@dataclass
class Chunk:
    """The slices that one statement replaces."""

    slices: list[Slice] = field(default_factory=list)
    wire_bytes: int = _REQUEST_BYTES

    def add(self, piece: Slice) -> None:
        """Take in another slice."""
        self.slices.append(piece)
        self.wire_bytes += piece.wire_bytes

    def has_room_for(self, piece: Slice) -> bool:
        """Whether the request stays within its bounds with another slice."""
        return len(self.slices) < MAX_SLICES and self.wire_bytes + piece.wire_bytes <= CHUNK_BYTES

    @property
    def keys(self) -> list[Key]:
        """AppID and period of every slice."""
        return [piece.key for piece in self.slices]

    @property
    def rows(self) -> int:
        """How many rows the slices have."""
        return sum(piece.rows for piece in self.slices)

    @property
    def payload(self) -> str:
        """All rows as one JSON array."""
        return f"[{','.join(piece.encoded for piece in self.slices if piece.rows)}]"


def row_names(endpoint: Endpoint) -> list[str]:
    """Return the columns whose values travel with each row: all but the load columns."""
    return [column.name for column in (*LEADING, *endpoint.columns, EXTRA)]


def encode(endpoint: Endpoint, appid: str, period: Period, rows: Sequence[dict[str, Any]]) -> Slice:
    """Encode one app's rows of one period.

    :param endpoint: what the rows are of.
    :param appid: the app.
    :param period: the period.
    :param rows: the rows, with values for all columns of :func:`row_names`.
    :raises DestinationError: if they are more than one request holds; a slice is never split.
    """
    values = rows.values if isinstance(rows, Rows) else list(map(itemgetter(*row_names(endpoint)), rows))
    # One call for all rows: one per row would take three times as long.
    encoded = dump_rows([row if row[-1] is None else (*row[:-1], dump(row[-1])) for row in values])[1:-1]
    wire_bytes = _escaped_length(encoded) + _SLICE_BYTES
    if wire_bytes + _REQUEST_BYTES > MAX_REQUEST_BYTES:
        raise DestinationError(
            f"{endpoint.name} {period} of app {appid}: its {len(rows)} rows take {wire_bytes:,} bytes, more than the "
            f"{MAX_REQUEST_BYTES:,} that one BigQuery statement can replace at once. Nothing of it was written."
        )
    return Slice(appid, period, len(rows), encoded, wire_bytes)


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


def dates(keys: Iterable[Key]) -> list[dt.date]:
    """Return the partitions that slices lie in."""
    return sorted({period.begin_date for _, period in keys})


def appids(keys: Iterable[Key]) -> list[str]:
    """Return the apps that slices belong to."""
    return sorted({appid for appid, _ in keys})


def _escaped_length(encoded: str) -> int:
    """Return how long the JSON is once the client has escaped it again, in ASCII, as a string of its request."""
    length = len(encoded) + encoded.count('"') + encoded.count("\\")
    if not encoded.isascii():  # each character beyond takes six bytes, or twelve if it is a pair in UTF-16
        beyond = len(encoded) - len(encoded.encode("ascii", "ignore"))
        pairs = len(encoded.encode("utf-16-le")) // 2 - len(encoded)
        length += 5 * beyond + 6 * pairs
    return length
