"""The page that says what became of every fault: README.md in this folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.faults.matrix import CASES, Outcome

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


def cells(outcomes: Iterable[Outcome | None]) -> tuple[str, ...]:
    """What became of a fault, as the page says it."""
    return tuple("–" if outcome is None else str(outcome) for outcome in outcomes)


def render(found: Mapping[str, tuple[str, ...]]) -> str:
    """Return the page; faults that came to the same share a line."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for name in CASES:
        lines.setdefault(found[name], []).append(name)
    rows = (f"| {', '.join(names)} | {' | '.join(outcome)} |\n" for outcome, names in lines.items())
    return HEAD + "".join(rows)


def read() -> dict[str, tuple[str, ...]]:
    """Return what the page says of each fault."""
    rows = [line.strip("| \n").split(" | ") for line in PAGE.read_text().removeprefix(HEAD).splitlines()]
    return {name: tuple(outcome) for names, *outcome in rows for name in names.split(", ")}
