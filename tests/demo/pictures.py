"""The demo's picture, drawn from the views: visitors, retention, pages and sources; and what was healed."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.dates import DateFormatter
from matplotlib.patches import Patch

from tests.demo.report import Calendar, Rows

#: What is drawn.
VIEWS = ("report_day", "report_retention", "report_pages", "report_sources")
_COHORTS = 42
_TOP = 8
_INK, _COLOURS = "#1f2933", ("#07a35a", "#2f6fde", "#d9822b")
#: In the order of their numbers.
_STATES = {"missing": "#d64545", "empty: not launched yet": "#d5dae0", "loaded": "#07a35a"}


def draw(views: dict[str, Rows], calendars: dict[str, Calendar], names: dict[str, str], path: Path) -> Path:
    """Draw the picture to ``path`` and return it.

    :param views: name -> rows.
    :param calendars: moment -> what the daily visit trend covered then.
    :param names: AppID -> what people call the app; letters that the font lacks are left out.
    """
    plt.rcParams.update({"text.color": _INK, "axes.edgecolor": "#c5ccd3", "axes.titlelocation": "left"})
    names = {appid: name.encode("ascii", "ignore").decode().strip() for appid, name in names.items()}
    figure = plt.figure(figsize=(14, 14), layout="constrained")
    panels: Any = figure.subfigures(4, 1, height_ratios=[1, 0.5, 1.15, 1])
    above, covered, middle, below = panels
    _visitors(above.subplots(1, len(names)), views["report_day"], names)
    _coverage(covered.subplots(1, len(calendars)), calendars, names)
    _retention(middle.subplots(1, 1), views["report_retention"], names)
    pages, sources = below.subplots(1, 2)
    appid = next(iter(names))
    _pages(pages, views["report_pages"], appid, names[appid])
    _sources(sources, views["report_sources"], appid, names[appid])
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path


def _visitors(axes: Any, rows: Rows, names: dict[str, str]) -> None:
    """Each app on a scale of its own, so that a small one is as readable as a large one."""
    for axis, (appid, name), colour in zip(axes, names.items(), _COLOURS, strict=False):
        days = sorted((row["day"], row["visit_uv"], row["visit_uv_new"]) for row in rows if row["appid"] == appid)
        dates, visitors, new = zip(*days, strict=True)
        axis.fill_between(dates, visitors, color=colour, alpha=0.15)
        axis.plot(dates, visitors, color=colour, label="visitors")
        axis.plot(dates, new, color=colour, linestyle=":", label="first-time")
        axis.set(title=f"{name}: visitors per day", ylim=(0, None))
        axis.xaxis.set_major_formatter(DateFormatter("%m-%d"))
        axis.grid(axis="y", alpha=0.3)
        axis.legend(frameon=False, loc="center left")


def _coverage(axes: Any, calendars: dict[str, Calendar], names: dict[str, str]) -> None:
    """One line of days per app."""
    days = sorted({day for calendar in calendars.values() for _, day in calendar})
    states: dict[bool | None, int] = {None: 0, False: 1, True: 2}
    for axis, (moment, calendar) in zip(axes, calendars.items(), strict=True):
        cells = [[states[calendar.get((appid, day))] for day in days] for appid in names]
        axis.imshow(cells, aspect="auto", cmap=ListedColormap(list(_STATES.values())), vmin=0, vmax=2)
        axis.set(title=f"Days of daily_visit_trend {moment} healing")
        axis.set_yticks(range(len(names)), names.values())
        axis.set_xticks(range(0, len(days), 10), [f"{day:%m-%d}" for day in days[::10]])
        axis.hlines(
            [number + 0.5 for number in range(len(names) - 1)], -0.5, len(days) - 0.5, color="white", linewidth=4
        )
    axes[0].legend(
        handles=[Patch(color=colour, label=state) for state, colour in _STATES.items()],
        ncols=len(_STATES), loc="upper center", bbox_to_anchor=(0.5, -0.18), frameon=False,
    )  # fmt: skip


def _retention(axis: Any, rows: Rows, names: dict[str, str]) -> None:
    """How far each day's rate is from the mean of its offset: otherwise a row has one colour, and weekdays vanish."""
    appid = next(iter(names))
    rates = {
        (row["begin_date"], row["period_offset"]): row["retention"]
        for row in rows
        if row["appid"] == appid and row["period"] == "day" and row["cohort"] == "visit_uv_new" and row["cohort_users"]
    }
    days = sorted({day for day, _ in rates})[-_COHORTS:]
    offsets = sorted({offset for _, offset in rates})
    means = {offset: statistics.fmean(rate for (_, o), rate in rates.items() if o == offset) for offset in offsets}
    nan = float("nan")
    cells = [[100 * (rates.get((day, o), nan) / means[o] - 1) if means[o] else nan for day in days] for o in offsets]
    image = axis.imshow(cells, aspect="auto", cmap="RdYlGn", vmin=-20, vmax=20)
    axis.set(title=f"{names[appid]}: who came back, per cent above or below the mean of its row; white: still to come")
    axis.set_yticks(range(len(offsets)), [f"day {o}   {100 * means[o]:.1f} %" for o in offsets])
    ticks = [number for number, day in enumerate(days) if day.isoweekday() == 1]
    axis.set_xticks(ticks, [f"Mon {days[number]:%m-%d}" for number in ticks])
    axis.figure.colorbar(image, ax=axis)


def _pages(axis: Any, rows: Rows, appid: str, name: str) -> None:
    last = max(row["day"] for row in rows)
    top = [row for row in rows if row["appid"] == appid and row["day"] == last and row["page_rank"] <= _TOP]
    top.sort(key=lambda row: int(row["page_rank"]))
    _bars(axis, [(row["page_path"], row["page_visit_pv"]) for row in top], f"{name}: top pages of {last}")


def _sources(axis: Any, rows: Rows, appid: str, name: str) -> None:
    last = max(row["day"] for row in rows)
    opens: dict[str, int] = defaultdict(int)
    for row in rows:
        day: dt.date = row["day"]
        if row["appid"] == appid and (last - day).days < 7:
            opens[row["source_label_en"]] += row["sessions"] or 0
    top = sorted(opens.items(), key=lambda item: -item[1])[:_TOP]
    _bars(axis, top, f"{name}: where visits came from, last 7 days")


def _bars(axis: Any, bars: list[tuple[str, int]], title: str) -> None:
    labels, values = zip(*bars, strict=True)
    axis.barh(labels, values, color=_COLOURS[0], alpha=0.8)
    axis.bar_label(axis.containers[0], fmt="{:,.0f}", padding=3)
    axis.invert_yaxis()
    axis.set(title=title, xticks=[])
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)
