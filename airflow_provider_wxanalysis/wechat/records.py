"""From WeChat's reply to flat rows, strictly: period and types are checked, unknown fields kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING, Column
from airflow_provider_wxanalysis.catalogue.rows import Row as Row
from airflow_provider_wxanalysis.catalogue.rows import Rows, Values
from airflow_provider_wxanalysis.catalogue.shapes import DIMENSIONS
from airflow_provider_wxanalysis.catalogue.values import Malformed, convert, json_safe, show
from airflow_provider_wxanalysis.exceptions import PayloadError, call_name

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.catalogue.performance import Selection
    from airflow_provider_wxanalysis.catalogue.shapes import Json
    from airflow_provider_wxanalysis.catalogue.typed import Decoded
    from airflow_provider_wxanalysis.endpoints import Endpoint
    from airflow_provider_wxanalysis.periods import Period


#: A reply: parsed, or decoded by :func:`~airflow_provider_wxanalysis.catalogue.typed.decode`.
Reply: TypeAlias = "Json | Decoded"


class Report(NamedTuple):
    """What one reply holds.

    :param rows: the rows, JSON-ready, without the load columns.
    :param unknown: names of fields, indexes and keys that the catalogue does not know.
    :param duplicates: how many rows repeat the key of an earlier one.
    """

    rows: Rows
    unknown: frozenset[str]
    duplicates: int


def read(endpoint: Endpoint, appid: str, period: Period, reply: Reply, selection: Selection | None = None) -> Report:
    """Turn one reply into rows.

    :param endpoint: the catalogue's entry.
    :param appid: the mini program asked about.
    :param period: the period asked for.
    :param reply: WeChat's reply.
    :param selection: columns that the request fixed (getPerformanceData's module and filters).
    :raises PayloadError: if shape, type or period is not what the catalogue says.
    """
    head = (appid, period.begin_date.isoformat(), period.end_date.isoformat())
    expected = endpoint.ref_dates(period)
    try:
        if isinstance(reply, dict):
            values = [*_strictly(endpoint, head, expected, reply, selection or {})]
        else:
            for ref_date in reply.ref_dates():
                _check_ref_date(ref_date, expected)
            values = reply.rows(head)
    except Malformed as error:
        raise PayloadError(
            f"{call_name(endpoint.name, period, appid)}: {error}. Nothing was taken from this reply; "
            f"compare it with {endpoint.docs} and report it if WeChat has changed the format."
        ) from None
    layout = _layout(endpoint.columns)
    duplicates = len(values) - len(set(map(layout.key, values)))
    return Report(Rows(layout.names, values), frozenset(_unknown(layout, values)), duplicates)


class _Layout(NamedTuple):
    """Where a row's values are.

    :param names: the names of all, in order.
    :param key: extracts those by which rows differ.
    :param labelled: extracts index, key and label, if rows are those of a distribution.
    :param dimension: extracts the dimension, if they are those of a portrait.
    """

    names: tuple[str, ...]
    key: Callable[[Values], Any]
    labelled: Callable[[Values], Any] | None
    dimension: Callable[[Values], Any] | None


@functools.cache
def _layout(columns: tuple[Column, ...]) -> _Layout:
    names = tuple(column.name for column in (*LEADING, *columns, EXTRA))

    def extracting(*wanted: str) -> Callable[[Values], Any] | None:
        return itemgetter(*map(names.index, wanted)) if wanted and set(wanted) <= set(names) else None

    key = extracting(*(column.name for column in columns if column.key)) or (lambda values: None)
    return _Layout(names, key, extracting("distribution", "item_key", "item_label"), extracting("dimension"))


def _strictly(
    endpoint: Endpoint, head: Values, expected: Set[str], reply: Json, selection: Selection
) -> Iterator[Values]:
    """Read a reply value by value, whatever it holds."""
    enclosing = reply.get("ref_date")
    if enclosing is not None:
        _check_ref_date(enclosing, expected)
    names = {column.name for column in endpoint.columns}
    has_key = any(column.key for column in endpoint.columns)
    for own, derived, entry, outer in endpoint.shape(reply, selection):
        ref_date = _check_ref_date(enclosing if own is None else own, expected)
        values = _values(endpoint.columns, derived, entry)
        if not has_key and all(value is None for value in values):
            raise Malformed(f"an entry has no figures: {show(entry)}")
        extra = _extra(entry, outer, names, derived)
        yield (*head, ref_date, *values, json_safe(extra) if extra else None)


def _check_ref_date(ref_date: Any, expected: Set[str]) -> str:
    """Return the period that a reply is about, as text."""
    text = str(ref_date) if type(ref_date) is int else ref_date
    if not (isinstance(text, str) and text in expected):
        raise Malformed(f"ref_date must be {' or '.join(sorted(expected))}, which was asked for, got {show(ref_date)}")
    return text


def _values(columns: Sequence[Column], derived: Json, entry: Json) -> list[Any]:
    found = {**entry, **derived}
    try:
        return [convert(column.wire_name, column.type, found.get(column.name)) for column in columns]
    except Malformed as error:
        keys = [column for column in columns if column.key and found.get(column.name) is not None]
        row = ", ".join(f"{column.wire_name} {show(found[column.name])}" for column in keys)
        raise Malformed(f"{error} ({row})" if row else str(error)) from None


def _extra(entry: Json, outer: Iterable[Json], names: Set[str], derived: Json) -> Json:
    """Return the fields that the catalogue does not know: the row's own, and those of what encloses it.

    What WeChat sends under the name of a column that the shape derives is unknown, too.
    """
    extra = {name: value for name, value in entry.items() if name in derived or name not in names}
    for level in outer:  # inner to outer; a name already taken gets a prefix, so that nothing is lost
        for name, value in level.items():
            while name in extra:
                name = f"reply.{name}"
            extra[name] = value
    return extra


def _unknown(layout: _Layout, rows: list[Values]) -> Iterator[str]:
    """Yield the names of unknown fields, keys of a distribution without a label, and new dimensions of a portrait."""
    for values in rows:
        if values[-1]:
            yield from values[-1]
    if layout.labelled:
        yield from (f"{index}[{key}]" for index, key, label in map(layout.labelled, rows) if label is None)
    if layout.dimension:
        yield from set(map(layout.dimension, rows)) - set(DIMENSIONS)
