"""The fast path: ordinary replies are decoded straight into typed structures, at a fraction of the cost.

The structures are made from the catalogue's columns. They require every field, allow no other, and accept exactly its
type, so anything unusual (unknown fields, numbers in quotation marks, a null, a number beyond 64 bits) fails to decode
and is left to :mod:`~airflow_provider_wxanalysis.catalogue.shapes`, which makes the same rows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from airflow_provider_wxanalysis.catalogue import shapes
from airflow_provider_wxanalysis.catalogue.labels import DISTRIBUTIONS, INDEXES, UNLISTED
from airflow_provider_wxanalysis.catalogue.rows import Values

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.catalogue.columns import Column
    from airflow_provider_wxanalysis.catalogue.endpoint import Endpoint

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: Mapping[str, Any] = {"INT64": Int64, "FLOAT64": float, "STRING": str}


class Format(NamedTuple):
    """How to read replies of one shape.

    :param decode: makes the structure from a reply's bytes.
    :param quotes: counts the quotation marks that spell a structure.
    :param ref_dates: returns the periods that it is about.
    :param rows: makes its rows, each beginning with the values given.
    """

    decode: Callable[[bytes], Any]
    quotes: Callable[[Any], int]
    ref_dates: Callable[[Any], Iterable[str]]
    rows: Callable[[Any, Values], list[Values]]


class Decoded(NamedTuple):
    """A reply as a typed structure."""

    format: Format
    reply: Any

    def ref_dates(self) -> Iterable[str]:
        """Return the periods that it is about."""
        return self.format.ref_dates(self.reply)

    def rows(self, head: Values) -> list[Values]:
        """Return its rows, each beginning with ``head``."""
        return self.format.rows(self.reply, head)


def decode(endpoint: Endpoint, content: bytes) -> Decoded | None:
    """Return a reply as a typed structure, or ``None`` if it is unusual in any way.

    :param endpoint: the catalogue's entry.
    :param content: the reply.
    """
    form = _format(endpoint.shape, endpoint.columns)
    if form is None:
        return None
    try:
        reply = form.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # The decoder accepts a name given twice; that, or an escaped mark in a text, makes the count of marks differ.
    return Decoded(form, reply) if content.count(b'"') == form.quotes(reply) else None


@functools.cache
def _format(shape: shapes.Shape, columns: tuple[Column, ...]) -> Format | None:
    make = _FORMATS.get(shape)
    return make({column.name: _TYPES[column.type] for column in columns}) if make else None


def _structure(name: str, fields: Mapping[str, Any]) -> Any:
    return msgspec.defstruct(name, list(fields.items()), forbid_unknown_fields=True, gc=False)


def _array(structure: Any) -> Any:
    return list[structure]


def _quotes(structure: Any) -> int:
    """How many quotation marks spell a structure's names and texts."""
    fields = msgspec.structs.fields(structure)
    return 2 * (len(fields) + sum(field.type is str for field in fields))


def _items(types: Mapping[str, Any]) -> Format:
    item = _structure("Item", {"ref_date": str, **types})
    reply = _structure("Items", {"list": _array(item)})
    fixed, each = _quotes(reply), _quotes(item)
    return Format(
        msgspec.json.Decoder(reply).decode,
        quotes=lambda found: fixed + each * len(found.list),
        ref_dates=lambda found: [entry.ref_date for entry in found.list],
        rows=lambda found, head: [(*head, *astuple(entry), None) for entry in found.list],
    )


def _pages(types: Mapping[str, Any]) -> Format:
    page = _structure("Page", {name: column_type for name, column_type in types.items() if name != "page_rank"})
    reply = _structure("Pages", {"ref_date": str, "list": _array(page)})
    fixed, each = _quotes(reply), _quotes(page)

    def rows(found: Any, head: Values) -> list[Values]:
        head = (*head, found.ref_date)
        return [(*head, rank, *astuple(entry), None) for rank, entry in enumerate(found.list, start=1)]

    return Format(
        msgspec.json.Decoder(reply).decode,
        quotes=lambda found: fixed + each * len(found.list),
        ref_dates=_ref_date,
        rows=rows,
    )


def _distributions(types: Mapping[str, Any]) -> Format:
    entry = _structure("Entry", {"key": types["item_key"], "value": types["item_value"]})
    group = _structure("Group", {"index": str, "item_list": _array(entry)})
    reply = _structure("Distributions", {"ref_date": str, "list": _array(group)})
    fixed, each_group, each = _quotes(reply), _quotes(group), _quotes(entry)

    def quotes(found: Any) -> int:
        return fixed + sum(each_group + each * len(one.item_list) for one in found.list)

    def rows(found: Any, head: Values) -> list[Values]:
        made: list[Values] = []
        for one in found.list:
            labels = DISTRIBUTIONS.get(one.index, {})
            start = (*head, found.ref_date, one.index, *INDEXES.get(one.index, UNLISTED))
            made += [(*start, e.key, *labels.get(e.key, UNLISTED), e.value, None) for e in one.item_list]
        return made

    return Format(msgspec.json.Decoder(reply).decode, quotes, _ref_date, rows)


def _cohort_offsets(types: Mapping[str, Any]) -> Format:
    entry = _structure("Entry", {"key": types["period_offset"], "value": types["users"]})
    reply = _structure("Retention", {"ref_date": str, **dict.fromkeys(shapes.COHORTS, _array(entry))})
    fixed, each = _quotes(reply), _quotes(entry)

    def quotes(found: Any) -> int:
        return fixed + sum(each * len(getattr(found, cohort)) for cohort in shapes.COHORTS)

    def rows(found: Any, head: Values) -> list[Values]:
        made: list[Values] = []
        for cohort in shapes.COHORTS:
            entries = getattr(found, cohort)
            size = next((e.value for e in entries if e.key == 0), None)
            made += [(*head, found.ref_date, cohort, e.key, e.value, size, None) for e in entries]
        return made

    return Format(msgspec.json.Decoder(reply).decode, quotes, _ref_date, rows)


def _portraits(types: Mapping[str, Any]) -> Format:
    named = {"name": types["item_name"], "value": types["users"]}
    device, entry = _structure("Device", named), _structure("Entry", {"id": types["item_id"], **named})
    dimensions = {name: device if name == "devices" else entry for name in shapes.DIMENSIONS}
    portrait = _structure("Portrait", {name: _array(one) for name, one in dimensions.items()})
    reply = _structure("Portraits", {"ref_date": str, **dict.fromkeys(shapes.COHORTS, portrait)})
    fixed, each = (
        _quotes(reply) + len(shapes.COHORTS) * _quotes(portrait),
        {name: _quotes(one) for name, one in dimensions.items()},
    )

    def parts(found: Any) -> Iterator[tuple[str, str, list[Any]]]:
        for cohort in shapes.COHORTS:
            for name in shapes.DIMENSIONS:
                yield cohort, name, getattr(getattr(found, cohort), name)

    def rows(found: Any, head: Values) -> list[Values]:
        made: list[Values] = []
        for cohort, name, entries in parts(found):
            start = (*head, found.ref_date, cohort, name)
            if name == "devices":
                made += [(*start, None, e.name, e.value, None) for e in entries]
            else:
                made += [(*start, e.id, e.name, e.value, None) for e in entries]
        return made

    return Format(
        msgspec.json.Decoder(reply).decode,
        quotes=lambda found: fixed + sum(each[name] * len(entries) for _, name, entries in parts(found)),
        ref_dates=_ref_date,
        rows=rows,
    )


def _ref_date(reply: Any) -> Iterable[str]:
    return (reply.ref_date,)


#: Without getPerformanceData: it sends few numbers, and those as texts, so its replies are read value by value.
_FORMATS: Mapping[shapes.Shape, Callable[[Mapping[str, Any]], Format]] = {
    shapes.item_list: _items,
    shapes.page_list: _pages,
    shapes.distributions: _distributions,
    shapes.cohort_offsets: _cohort_offsets,
    shapes.portraits: _portraits,
}
