"""Rows on their way from reply to table: stored as tuples, turned into dicts when read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, overload

Row = dict[str, Any]
#: A row's values, in the order of its columns.
Values = tuple[Any, ...]


class Rows(Sequence[Row]):
    """Rows of one endpoint, ready for JSON.

    :param names: the columns: the leading ones, the endpoint's own, and ``_extra``.
    :param values: each row's values, in that order.
    """

    def __init__(self, names: Sequence[str], values: list[Values]) -> None:
        self.names = names
        self.values = values

    def __repr__(self) -> str:
        return repr(list(self))

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Row]:
        return map(dict, map(zip, repeat(self.names), self.values))  # all in C; a generator takes a third more

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Rows: ...

    def __getitem__(self, place: int | slice) -> Row | Rows:
        if isinstance(place, slice):
            return Rows(self.names, self.values[place])
        return dict(zip(self.names, self.values[place], strict=True))

    def __add__(self, other: Rows) -> Rows:
        return Rows(self.names, self.values + other.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]
