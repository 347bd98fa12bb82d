"""What the coverage task reads: of each table the columns that its one query names, of all periods since a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.benchmarks.scale import model
from tests.benchmarks.scale.units import dollars, seen, size

DAYS = 400
MEASURED = 200  # apps
SIZES = (1, 100, 1_000)
#: In every table; in the log of a run the statement names the same.
EVERYWHERE = ("appid", "begin_date", "end_date", "_load_id", "_loaded_at", "_dag_id", "_run_id", "_task_id")
#: In some: retention's offsets, and the figures that a page draws.
ELSEWHERE = {
    "daily_visit_trend": ("visit_uv", "visit_pv"),
    "daily_retain": ("period_offset", "cohort", "users"),
    "weekly_retain": ("period_offset",),
    "monthly_retain": ("period_offset",),
    "visit_page": ("page_rank", "page_path", "page_visit_pv", "page_visit_uv"),
}


def read(apps: int) -> list[int]:
    """Return how many bytes each table's query reads."""
    return [
        round(
            apps
            * DAYS
            * model.RATES[entry.name]
            * model.rows(entry)
            * model.row_bytes(entry, (*EVERYWHERE, *ELSEWHERE.get(entry.name, ())))
        )
        for entry in model.ENTRIES
    ]


def coverage() -> Iterator[Sequence[str]]:
    """Yield what one look at everything costs."""
    yield "a look", *(f"{apps:,}" for apps in SIZES)
    yield "queries: one a table, empty periods, names", *(f"{len(model.ENTRIES) + 2}" for _ in SIZES)
    slices = [apps * DAYS * sum(model.RATES.values()) for apps in SIZES]
    yield "slices looked at", *(f"{count:,.0f}" for count in slices)
    yield "read", *(size(sum(read(apps))) for apps in SIZES)
    billed = [sum(max(model.MINIMUM_BYTES, found) for found in (*read(apps), 0, 0)) for apps in SIZES]
    yield "billed, portraits of all these days included", *map(size, billed)
    yield "US$", *map(dollars, billed)
    seconds = [seen("coverage", "seconds to classify", "s", apps / MEASURED) for apps in SIZES]
    yield "CPU time of the states, from what `make bench` sees", *seconds
