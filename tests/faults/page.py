"""The page that says what became of every fault: README.md in this folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.chaos import test_forgeries as long_forgeries
from tests.faults.matrix import CASES, Outcome
from tests.wechat import test_forgeries, test_hostile_replies, test_wire

PAGE = Path(__file__).with_name("README.md")
HEAD = """\
# What becomes of every fault

Written by `python -m tests.faults`; `make test` checks it. Each fault is provoked on a real socket, at the call for a
token or at the call for figures, once or forever. Each cell says what a fetch of one period comes to, and how many
requests it took: token calls + data calls.

*Airflow retries*: the error ends this try of the task, and the task's `retries` make the next. *final*: the error ends
the task at once, because no retry can fix it. Every error names endpoint and period and says what to do; nothing is
written to BigQuery from a reply that is not whole and right.

| fault | token call, once | token call, forever | data call, once | data call, forever |
|---|---|---|---|---|
"""


FIGURES = """\

## Counted

Replies made up, and what must not be found. Each row is a test.

| | how many | found |
|---|---|---|
| replies forged or changed on their way that are taken as data, with API security on \
(`tests/wechat/test_forgeries.py`; `make chaos`) | {forged:,}; {forged_long:,} | 0 |
| replies damaged in HTTP that end as anything but a reply or an error (`tests/wechat/test_wire.py`) | {wire:,} | 0 |
| replies damaged in JSON that end as anything but right rows or an error (`tests/wechat/test_hostile_replies.py`) | \
{json:,} | 0 |
| characters of log records (every logger at DEBUG), messages and pickled errors of the faults above that show an \
AppSecret or a token | {searched:,} | 0 |
"""
_SEARCHED = re.compile(r"AppSecret or a token \| ([0-9,]+) \|")


def cells(outcomes: Iterable[Outcome | None]) -> tuple[str, ...]:
    """What became of a fault, as the page says it."""
    return tuple("–" if outcome is None else str(outcome) for outcome in outcomes)


def render(found: Mapping[str, tuple[str, ...]], searched: int) -> str:
    """Return the page; faults that came to the same share a line.

    :param found: the cells of each fault.
    :param searched: how much was searched for secrets.
    """
    lines: dict[tuple[str, ...], list[str]] = {}
    for name in CASES:
        lines.setdefault(found[name], []).append(name)
    rows = (f"| {', '.join(names)} | {' | '.join(outcome)} |\n" for outcome, names in lines.items())
    figures = FIGURES.format(
        forged=test_forgeries.MUTANTS,
        forged_long=long_forgeries.MUTANTS,
        wire=test_wire.MUTANTS,
        json=test_hostile_replies.damaged(),
        searched=searched,
    )
    return HEAD + "".join(rows) + figures


def read() -> tuple[dict[str, tuple[str, ...]], int]:
    """Return what the page says of each fault, and how much was searched for secrets."""
    text = PAGE.read_text()
    table = text.removeprefix(HEAD).partition("\n\n")[0]
    rows = [line.strip("| \n").split(" | ") for line in table.splitlines()]
    (searched,) = _SEARCHED.findall(text) or ["0"]
    found = {name: tuple(outcome) for names, *outcome in rows for name in names.split(", ")}
    return found, int(searched.replace(",", ""))
