"""The page that says how soon a task ends: README.md in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.ending.matrix import CELLS

PAGE = Path(__file__).with_name("README.md")
HEAD = """\
# How soon a task ends

Written by `python -m tests.ending`; `make test` sees to it that each load ends at its wait, on both versions. A load of
four days runs in real Airflow (`airflow dags test`), its threads wait, and something ends it. Seconds from that moment
until its `execute` is over, as measured on {date}. Left to themselves, the waits take from a minute to an hour.

| what ends it | its threads wait for | {versions} |
|---|---|{lines}
"""


def render(found: Mapping[str, Mapping[str, float]], date: str) -> str:
    """Return the page.

    :param found: Airflow's version -> task id -> seconds.
    :param date: when they were measured.
    """
    versions = " | ".join(f"Airflow {version}" for version in found)
    rows = (
        f"| {cell.end} | {cell.wait} | {' | '.join(f'{seconds[cell.task_id]:.1f}' for seconds in found.values())} |\n"
        for cell in CELLS
    )
    return HEAD.format(date=date, versions=versions, lines="---|" * len(found)) + "".join(rows)
