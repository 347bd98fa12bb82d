"""From WeChat's reply to flat rows, strictly: period, types, and fields that nobody has described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_wxanalysis.columns import EXTRA
from airflow_provider_wxanalysis.exceptions import PayloadError
from airflow_provider_wxanalysis.shapes import DIMENSIONS
from airflow_provider_wxanalysis.values import Malformed, convert, json_safe, show

if TYPE_CHECKING:
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
    expected = endpoint.ref_dates(period)
    enclosing = reply.get("ref_date")
    if enclosing is not None:
        _check_ref_date(enclosing, expected)
    leading = {"appid": appid, "begin_date": period.begin_date.isoformat(), "end_date": period.end_date.isoformat()}
    key_columns = [column.name for column in endpoint.columns if column.key]
    names = {column.name for column in endpoint.columns}
    rows: list[Row] = []
    unknown: set[str] = set()
    for item in endpoint.shape(reply):
        ref_date = item.ref_date if item.ref_date is not None else enclosing
        _check_ref_date(ref_date, expected)
        derived = {**item.derived, **cell}
        fields = {**item.entry, **derived}
        row: Row = {**leading, "ref_date": ref_date}
        for column in endpoint.columns:
            row[column.name] = convert(column.name, column.type, fields.get(column.name))
        extra = {name: value for name, value in item.entry.items() if name not in names or name in derived}
        for level in item.outer:  # inner to outer; a name already taken gets a prefix, so that nothing is lost
            for name, value in level.items():
                while name in extra:
                    name = f"reply.{name}"
                extra[name] = value
        row[EXTRA.name] = json_safe(extra) if extra else None
        unknown.update(extra)
        unknown.update(_unlabelled(row))
        rows.append(row)
    distinct = {tuple(row[name] for name in key_columns) for row in rows}
    return Report(rows, frozenset(unknown), len(rows) - len(distinct))


def _unlabelled(row: Row) -> Iterator[str]:
    if "item_label" in row and row["item_label"] is None:
        yield f"{row['distribution']}[{row['item_key']}]"
    if "dimension" in row and row["dimension"] not in DIMENSIONS:
        yield row["dimension"]


def _check_ref_date(ref_date: Any, expected: frozenset[str]) -> None:
    if not (isinstance(ref_date, str) and ref_date in expected):
        wanted = " or ".join(sorted(expected))
        raise Malformed(f"it speaks of ref_date {show(ref_date)} where {wanted} was asked for")
