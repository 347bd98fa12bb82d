"""Rows of a view against rows computed here."""

from __future__ import annotations

import math


def same(found, expected, *keys):
    """Compare rows, in whatever order, floats with a little room."""

    def by_key(rows):
        keyed = {tuple(row[key] for key in keys): row for row in rows}
        assert len(keyed) == len(rows)
        return keyed

    found, expected = by_key(found), by_key(expected)
    assert found.keys() == expected.keys()
    assert found
    for key, row in expected.items():
        for name, value in row.items():
            assert alike(found[key][name], value), (key, name, found[key][name], value)


def alike(one, other):
    return math.isclose(one, other, rel_tol=1e-9) if isinstance(one, float) and other is not None else one == other


def ratio(above, below):
    return None if above is None or not below else above / below


def change(now, before):
    return None if now is None or not before else (now - before) / before


def index(rows, *keys):
    return {tuple(row[key] for key in keys): row for row in rows}
