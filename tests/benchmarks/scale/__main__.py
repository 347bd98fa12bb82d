"""Write scale.md again: what 1, 100 and 10,000 apps a day come to."""

from __future__ import annotations

import re
from pathlib import Path

from tests.benchmarks.scale.tables import TABLES

PAGE = Path(__file__).parents[1] / "scale.md"


def rendered(text: str) -> str:
    """Return the page with its tables as they should be."""
    parts = []
    for title, table in TABLES.items():
        head, *lines = table()
        rule = ["---", *["---" if title in ("Assumptions", "What comes first") else "---:" for _ in head[1:]]]
        parts.append("\n".join([f"**{title}**", "", *(f"| {' | '.join(line)} |" for line in (head, rule, *lines))]))
    marks = re.compile(r"(<!-- scale: generated -->\n).*?(<!-- end -->)", re.DOTALL)
    body = "\n\n".join(parts)
    text, found = marks.subn(lambda m: f"{m[1]}\n{body}\n\n{m[2]}", text)
    if found != 1:
        raise ValueError("scale.md has no place for its tables")
    return text


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
