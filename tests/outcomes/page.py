"""The page that says what a load does with each outcome: README.md in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.outcomes.matrix import Case, Course

PAGE = Path(__file__).with_name("README.md")
HEAD = """\
# What a load does with each outcome

Written by `python -m tests.outcomes`; `make test` checks it. Each reply is provoked at a real server, for a period that
is due and for one that is fetched again (lookback), under every setting, and loaded into a real table.

What has rows is written, whatever becomes of the rest. *As it was*: the slice (one app's rows of one period) is left
alone. *Airflow retries*: the next try asks only for what is missing. *For good*: no retry can fix it. *Waits for it*:
the task gives its slot back, and asks for exactly this period again when it is published.

| WeChat's reply | period | `on_empty` | `deferrable` | slice | task |
|---|---|---|---|---|---|
"""


def render(found: Mapping[Case, Course]) -> str:
    """Return the page; settings that make no difference share a line."""
    lines: dict[tuple[str, str, Course], list[Case]] = {}
    for case, course in found.items():
        lines.setdefault((case.reply, case.role.value, course), []).append(case)
    rows = (
        f"| {reply} | {role} | {_settings(cases, 'on_empty')} | {_settings(cases, 'deferrable')} | {course.slice} | "
        f"{course.task} |\n"
        for (reply, role, course), cases in lines.items()
    )
    return HEAD + "".join(rows)


def _settings(cases: list[Case], name: str) -> str:
    values = list(dict.fromkeys(getattr(case, name) for case in cases))
    if len(values) == (2 if name == "deferrable" else 3):
        return "any"
    return ", ".join({True: "yes", False: "no"}.get(value, value) for value in values)
