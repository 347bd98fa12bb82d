"""From WeChat's reply to flat rows, strictly: period, types, and fields that nobody has described."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING
from airflow_provider_wxanalysis.catalogue.shapes import DIMENSIONS
from airflow_provider_wxanalysis.catalogue.values import Malformed, convert_all, json_safe, show
from airflow_provider_wxanalysis.exceptions import PayloadError, call_name

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.catalogue.performance import Selection
    from airflow_provider_wxanalysis.catalogue.shapes import Json
    from airflow_provider_wxanalysis.endpoints import Endpoint
    from airflow_provider_wxanalysis.periods import Period

Row = dict[str, Any]


class Report(NamedTuple):
    """What one reply holds.

    :param rows: the rows, JSON-ready, without the load columns.
    :param unknown: names of fields, indexes and keys that the catalogue does not know.
    :param duplicates: how many rows repeat the key of an earlier one.
    """

    rows: list[Row]
    unknown: frozenset[str]
    duplicates: int


def read(
    endpoint: Endpoint, appid: str, period: Period, reply: dict[str, Any], selection: Selection | None = None
) -> Report:
    """Turn one reply into rows.

    :param endpoint: the catalogue's entry.
    :param appid: the mini program asked about.
    :param period: the period asked for.
    :param reply: WeChat's reply, parsed.
    :param selection: columns that the request fixed (getPerformanceData's module and filters).
    :raises PayloadError: if shape, type or period is not what the catalogue says.
    """
    try:
        return _read(endpoint, appid, period, reply, selection or {})
    except Malformed as error:
        raise PayloadError(
            f"{call_name(endpoint.name, period, appid)}: {error}. Nothing was taken from this reply; "
            f"compare it with {endpoint.docs} and report it if WeChat has changed the format."
        ) from None


def _read(endpoint: Endpoint, appid: str, period: Period, reply: dict[str, Any], selection: Selection) -> Report:
    """Make whole rows first and look at them column by column then, which takes less time than value by value."""
    items = list(endpoint.shape(reply, selection))
    ref_dates, derived, entries, outers = zip(*items, strict=True) if items else ((), (), (), ())
    # What WeChat may send under its own name. A shape derives the same columns for every row.
    sent = {column.name for column in endpoint.columns} - (derived[0].keys() if items else set())
    blank = dict.fromkeys([column.name for column in (*LEADING, *endpoint.columns, EXTRA)])
    dates = {"begin_date": period.begin_date.isoformat(), "end_date": period.end_date.isoformat()}
    blank |= {"appid": appid, **dates}
    extras = _extras(entries, outers, sent)
    known = [_only(sent, entry) for entry in entries] if extras else entries
    rows: list[Row] = [{**blank, **entry, **given} for entry, given in zip(known, derived, strict=True)]
    _set(rows, "ref_date", _ref_dates(reply.get("ref_date"), ref_dates, endpoint.ref_dates(period)))
    columns: dict[str, Sequence[Any]] = dict(zip(blank, zip(*map(dict.values, rows), strict=True), strict=False))
    for column in endpoint.columns if rows else ():
        values = columns[column.name]
        columns[column.name] = converted = convert_all(column.name, column.type, values)
        if converted is not values:
            _set(rows, column.name, converted)
    if extras:
        _set(rows, EXTRA.name, [json_safe(extra) if extra else None for extra in extras])
    unknown = frozenset(itertools.chain(*extras, _undescribed(columns)))
    return Report(rows, unknown, _duplicates(endpoint, rows, columns))


def _only(names: Set[str], entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name in names}


def _set(rows: list[Row], name: str, values: Sequence[Any]) -> None:
    for row, value in zip(rows, values, strict=True):
        row[name] = value


def _ref_dates(enclosing: Any, own: Iterable[Any], expected: frozenset[str]) -> list[str]:
    found = [enclosing if ref_date is None else ref_date for ref_date in own]
    for ref_date in found if enclosing is None else [enclosing, *found]:
        if not (isinstance(ref_date, str) and ref_date in expected):
            wanted = " or ".join(sorted(expected))
            raise Malformed(f"it speaks of ref_date {show(ref_date)} where {wanted} was asked for")
    return found


def _extras(entries: Sequence[Json], outers: Sequence[tuple[Json, ...]], sent: set[str]) -> list[Json]:
    """Return the unknown fields of every row; an empty list where none has any, which one look at all of them tells."""
    if sent.issuperset(itertools.chain.from_iterable(entries)) and not any(map(any, outers)):
        return []
    return [_extra(entry, outer, sent) for entry, outer in zip(entries, outers, strict=True)]


def _extra(entry: Json, outer: tuple[Json, ...], sent: Set[str]) -> Json:
    """Return the fields that the catalogue does not know: the row's own, and those of what encloses it."""
    extra = {name: value for name, value in entry.items() if name not in sent}
    for level in outer:  # inner to outer; a name already taken gets a prefix, so that nothing is lost
        for name, value in level.items():
            while name in extra:
                name = f"reply.{name}"
            extra[name] = value
    return extra


def _duplicates(endpoint: Endpoint, rows: list[Row], columns: Mapping[str, Sequence[Any]]) -> int:
    """Return how many rows repeat the key of another."""
    keys = [columns[column.name] for column in endpoint.columns if column.key and rows]
    return len(rows) - (len(set(zip(*keys, strict=True))) if keys else len(rows[:1]))


def _undescribed(columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Name the keys of a distribution that nobody has labelled, and new dimensions of a portrait."""
    if "item_label" in columns:
        for name, key, label in zip(*(columns[n] for n in ("distribution", "item_key", "item_label")), strict=True):
            if label is None:
                yield f"{name}[{key}]"
    yield from set(columns.get("dimension", ())) - set(DIMENSIONS)
