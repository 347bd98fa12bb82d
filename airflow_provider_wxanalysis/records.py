"""From WeChat's reply to flat rows, strictly: period, types, and fields that nobody has described."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_wxanalysis.columns import EXTRA
from airflow_provider_wxanalysis.exceptions import PayloadError
from airflow_provider_wxanalysis.shapes import DIMENSIONS
from airflow_provider_wxanalysis.values import Malformed, convert_all, json_safe, show

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.endpoints import Endpoint
    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.shapes import Item

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
    endpoint: Endpoint, appid: str, period: Period, reply: dict[str, Any], cell: Mapping[str, str] | None = None
) -> Report:
    """Turn one reply into rows.

    :param endpoint: the catalogue's entry.
    :param appid: the mini program asked about.
    :param period: the period asked for.
    :param reply: WeChat's reply, parsed.
    :param cell: columns that the request fixed (getPerformanceData's module and filters).
    :raises PayloadError: if shape, type or period is not what the catalogue says.
    """
    try:
        return _read(endpoint, appid, period, reply, cell or {})
    except Malformed as error:
        raise PayloadError(
            f"{endpoint.name} {period} of app {appid}: {error}. Nothing was taken from this reply; "
            f"compare it with {endpoint.docs} and report it if WeChat has changed the format."
        ) from None


def _read(endpoint: Endpoint, appid: str, period: Period, reply: dict[str, Any], cell: Mapping[str, str]) -> Report:
    """Read column by column: whole columns are checked at a time, many times as fast as value by value."""
    items = list(endpoint.shape(reply))
    own = frozenset(column.name for column in endpoint.columns)
    fields = [{**item.entry, **item.derived, **cell} for item in items]
    extras = [_extra(item, own, cell) for item in items]
    values: dict[str, Iterable[Any]] = {
        "appid": itertools.repeat(appid),
        "begin_date": itertools.repeat(period.begin_date.isoformat()),
        "end_date": itertools.repeat(period.end_date.isoformat()),
        "ref_date": _ref_dates(reply.get("ref_date"), items, endpoint.ref_dates(period)),
        **{
            column.name: convert_all(column.name, column.type, [entry.get(column.name) for entry in fields])
            for column in endpoint.columns
        },
        EXTRA.name: [json_safe(extra) if extra else None for extra in extras],
    }
    rows: list[Row] = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=False)]
    unknown = frozenset(itertools.chain(*extras, _undescribed(rows)))
    return Report(rows, unknown, _duplicates(endpoint, rows))


def _ref_dates(enclosing: Any, items: list[Item], expected: frozenset[str]) -> list[str]:
    found = [enclosing if item.ref_date is None else item.ref_date for item in items]
    for ref_date in found if enclosing is None else [enclosing, *found]:
        if not (isinstance(ref_date, str) and ref_date in expected):
            wanted = " or ".join(sorted(expected))
            raise Malformed(f"it speaks of ref_date {show(ref_date)} where {wanted} was asked for")
    return found


def _extra(item: Item, own: Set[str], cell: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields that the catalogue does not know: the item's own, and those of what encloses it."""
    sent = item.entry.keys()
    if sent <= own and sent.isdisjoint(item.derived) and sent.isdisjoint(cell) and not any(item.outer):
        return {}
    extra = {name: item.entry[name] for name in sent - (own - item.derived.keys() - cell.keys())}
    for level in item.outer:  # inner to outer; a name already taken gets a prefix, so that nothing is lost
        for name, value in level.items():
            while name in extra:
                name = f"reply.{name}"
            extra[name] = value
    return extra


def _duplicates(endpoint: Endpoint, rows: list[Row]) -> int:
    """Return how many rows repeat the key of another."""
    names = [column.name for column in endpoint.columns if column.key]
    keys = set(map(itemgetter(*names), rows)) if names else rows[:1]
    return len(rows) - len(keys)


def _undescribed(rows: list[Row]) -> Iterator[str]:
    """Name the keys of a distribution that nobody has labelled, and new dimensions of a portrait."""
    for row in rows:
        if row.get("item_label", "") is None:
            yield f"{row['distribution']}[{row['item_key']}]"
        if row.get("dimension", DIMENSIONS[0]) not in DIMENSIONS:
            yield row["dimension"]
