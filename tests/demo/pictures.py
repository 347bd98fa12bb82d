"""The demo's picture: visits per day, and how many first-time visitors come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

Rows = list[dict[str, Any]]
_COHORTS = 45


def draw(tables: dict[str, Rows], path: Path) -> Path:
    """Draw the picture to ``path`` and return it."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(12, 10), height_ratios=[1, 1.3], layout="constrained")
    _visits(above, tables["daily_visit_trend"])
    _retention(below, tables["daily_retain"])
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _visits(axes: Any, rows: Rows) -> None:
    for appid in sorted({row["appid"] for row in rows}):
        days = sorted((row["begin_date"], row["visit_uv"]) for row in rows if row["appid"] == appid)
        axes.plot(*zip(*days, strict=True), marker=".", label=appid)
    axes.set(title="Visitors per day (daily_visit_trend.visit_uv)", ylabel="visitors", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()


def _retention(axes: Any, rows: Rows) -> None:
    appid = min(row["appid"] for row in rows)
    cells = {
        (row["begin_date"], row["period_offset"]): row["users"]
        for row in rows
        if row["appid"] == appid and row["cohort"] == "visit_uv_new"
    }
    days = sorted({day for day, _ in cells})[-_COHORTS:]
    offsets = sorted({offset for _, offset in cells} - {0})
    share = [
        [100 * cells[day, offset] / cells[day, 0] if cells.get((day, 0)) and (day, offset) in cells else float("nan")
         for day in days]
        for offset in offsets
    ]  # fmt: skip
    image = axes.imshow(share, aspect="auto", cmap="viridis")
    axes.set(title=f"First-time visitors of {appid} who came back (daily_retain), per cent; white: still to come")
    axes.set_yticks(range(len(offsets)), [f"day {offset}" for offset in offsets])
    axes.set_xticks(range(0, len(days), 5), [f"{day:%m-%d}" for day in days[::5]])
    axes.set_xlabel("first day")
    axes.figure.colorbar(image, ax=axes)
