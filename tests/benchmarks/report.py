"""What was measured, as a page and pictures; each benchmark's results are kept, so that one can be run alone."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pendulum

from tests.benchmarks.measure import ROUNDS, Spread
from tests.support.servers import REPOSITORY

RESULTS = REPOSITORY / "tests" / "benchmarks" / "results"


@dataclass
class Table:
    """One table.

    :param title: what it shows.
    :param head: the columns' titles.
    :param rows: its lines.
    """

    title: str
    head: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def markdown(self) -> str:
        """Return it as Markdown."""
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return f"**{self.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass
class Bars:
    """One picture: a bar for each label, with a whisker for the spread.

    :param name: the file's name, without ``.png``.
    :param title: what it shows.
    :param unit: what the axis counts.
    :param groups: groups of bars: group -> label -> (median, lowest, highest).
    :param mark: where a line is drawn across, such as the limit.
    """

    name: str
    title: str
    unit: str
    groups: dict[str, dict[str, tuple[float, float, float]]]
    mark: float | None = None


def bar(spread: Spread) -> tuple[float, float, float]:
    """Return what a bar shows."""
    return spread.median, min(spread.values), max(spread.values)


@dataclass
class Section:
    """What one benchmark found.

    :param name: the benchmark's name.
    :param title: heading.
    :param text: what was done, and how it is to be read.
    :param tables: tables.
    :param pictures: pictures.
    :param facts: figures that other pages quote, by name.
    """

    name: str
    title: str
    text: str
    tables: list[Table] = field(default_factory=list)
    pictures: list[Bars] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)


def keep(section: Section, versions: dict[str, str], seconds: float, rounds: int) -> None:
    """Keep a section's results, with machine, versions and commit, and draw its pictures."""
    RESULTS.mkdir(exist_ok=True)
    about: dict[str, Any] = {
        "machine": _machine(),
        "commit": _commit(),
        "at": pendulum.now("UTC").format("YYYY-MM-DD HH:mm") + " UTC",
    }
    about |= {"minutes": round(seconds / 60, 1), "rounds": rounds, "versions": versions}
    kept = {**asdict(section), "about": about}
    (RESULTS / f"{section.name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    for picture in section.pictures:
        _draw(picture, RESULTS / f"{picture.name}.png")


def facts(name: str) -> dict[str, float]:
    """Return the figures of a section that other pages quote, as they were measured last; none if it never was."""
    path = RESULTS / f"{name}.json"
    kept: dict[str, float] = json.loads(path.read_text())["facts"] if path.exists() else {}
    return kept


def write(names: Sequence[str]) -> Path:
    """Write the page from everything that is kept."""
    parts = [
        "# Benchmarks\n\nMade by `make bench`; see also [scale on paper](../scale.md). Figures are medians, with the "
        "lowest and the highest in brackets. Compare them within a table only: its programs ran in turns on one "
        "machine, which other guests share."
    ]
    for name in names:
        path = RESULTS / f"{name}.json"
        if path.exists():
            parts.append(_markdown(json.loads(path.read_text())))
    page = RESULTS / "README.md"
    page.write_text("\n\n".join(parts) + "\n")
    return page


def _markdown(kept: dict[str, Any]) -> str:
    about = kept["about"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    count = about.get("rounds", ROUNDS)
    rounds = f"{count} rounds" if count != 1 else "1 round"
    when = f"{about['at']}, commit {about['commit']}, {rounds}, {about['minutes']} minutes"
    facts = f"*{when}. {about['machine']}. {versions}.*"
    tables = [Table(**table).markdown() for table in kept["tables"]]
    pictures = [f"![{picture['title']}]({picture['name']}.png)" for picture in kept["pictures"]]
    return "\n\n".join([f"## {kept['title']}", kept["text"], *tables, *pictures, facts])


def _machine() -> str:
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores of {cpu}, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--", "airflow_provider_wxanalysis")
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def _draw(picture: Bars, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    labels = list(dict.fromkeys(label for bars in picture.groups.values() for label in bars))
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    width = 0.8 / len(labels)
    for number, label in enumerate(labels):
        found = [(place, bars[label]) for place, bars in enumerate(picture.groups.values()) if label in bars]
        places = [place + (number - (len(labels) - 1) / 2) * width for place, _ in found]
        heights = [bar[0] for _, bar in found]
        whiskers = [[bar[0] - bar[1] for _, bar in found], [bar[2] - bar[0] for _, bar in found]]
        axes.bar(places, heights, width * 0.95, yerr=whiskers, label=label, capsize=2, error_kw={"lw": 0.8})
    if picture.mark is not None:
        axes.axhline(picture.mark, color="black", lw=0.8, ls="--")
    axes.set_xticks(range(len(picture.groups)), list(picture.groups))
    axes.set_title(picture.title)
    axes.set_ylabel(picture.unit)
    figure.legend(loc="outside lower center", frameon=False, fontsize="small", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
