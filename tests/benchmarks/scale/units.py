"""Figures as people read them."""

from __future__ import annotations

from tests.benchmarks.report import facts
from tests.benchmarks.scale import model


def clock(hours: float) -> str:
    """Return a time of day."""
    return f"{int(hours)}:{round(hours % 1 * 60):02}"


def duration(seconds: float) -> str:
    """Return a duration in its handiest unit."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def percent(share: float) -> str:
    """Return a share with two figures, or more where it is large."""
    return f"{100 * share:,.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def size(count: float) -> str:
    """Return a size in GB."""
    return f"{count / 1e9:,.0f} GB" if count >= 1e10 else f"{count / 1e9:.2g} GB"


def dollars(count: float) -> str:
    """Return what so many bytes cost."""
    cost = count / 2**40 * model.DOLLARS_PER_TIB
    return f"{cost:,.2f}" if cost >= 0.1 else f"{cost:.4f}"


def seen(benchmark: str, fact: str, unit: str, times: float = 1.0) -> str:
    """Return what ``make bench`` has measured, if it has."""
    measured = facts(benchmark).get(fact)
    return "–" if measured is None else f"{measured * times:{'.0f' if unit == 'MB' else '.1f'}} {unit}"
