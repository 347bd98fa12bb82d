"""README's generated parts: ``python -m tests.support.readme`` writes them anew from the catalogue and the tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING, LOAD, Column
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.intervals.table import SCHEDULES
from tests.support.servers import REPOSITORY

README = REPOSITORY / "README.md"
_OPERATORS = {
    "user_portrait": "WeAnalysisUserPortraitOperator()",
    "user_portrait_7d": "WeAnalysisUserPortraitOperator(window_days=7)",
    "user_portrait_30d": "WeAnalysisUserPortraitOperator(window_days=30)",
}


def endpoints() -> Iterator[str]:
    """Yield the table of endpoints."""
    yield "| endpoint | operator | period | fetched again | what it tells |"
    yield "|---|---|---|---|---|"
    for name, entry in ENDPOINTS.items():
        words = "".join(word.capitalize() for word in name.split("_"))
        operator = _OPERATORS.get(name, f"WeAnalysis{words}Operator()")
        again = ", ".join(map(str, entry.refresh_offsets)) or "–"
        tells = f"{entry.zh} / {entry.en}"
        if entry.row_limit:
            tells += f"; top {entry.row_limit}"
        if entry.reach_days is not None:
            tells += "; yesterday only"
        yield f"| [`{name}`]({entry.docs}) | `{operator}` | {entry.window.name} | {again} | {tells} |"


def columns() -> Iterator[str]:
    """Yield the tables of columns, one for each set of endpoints that share them."""
    yield from _table("Every table begins with", LEADING)
    for own in dict.fromkeys(entry.columns for entry in ENDPOINTS.values()):
        names = ", ".join(f"`{name}`" for name, entry in ENDPOINTS.items() if entry.columns == own)
        yield from _table(names, own)
    yield from _table("Every table ends with", (EXTRA, *LOAD))


def schedules() -> Iterator[str]:
    """Yield the table of schedules, each with the last of the runs that it is tested with."""
    yield "| `schedule=` | a run due | loads days | weeks | months | leaves out |"
    yield "|---|---|---|---|---|---|"
    for schedule in SCHEDULES:
        setting = "<br>`[scheduler] create_cron_data_intervals = True`" if schedule.cron_data_intervals else ""
        due, *loads = schedule.runs[-1]
        cells = [f"`{schedule.timetable}`{setting}", due, *map(_span, loads), schedule.loses]
        yield f"| {' | '.join(cells)} |"


def _span(periods: str | None) -> str:
    each = (periods or "–").split()
    return each[0] if len(each) == 1 else f"{len(each)}: {each[0].split('/')[0]} to {each[-1].split('/')[-1]}"


def tree() -> Iterator[str]:
    """Yield the package's files, each with the first line of its docstring."""
    package = REPOSITORY / "airflow_provider_wxanalysis"
    yield "```"
    for path in sorted(package.rglob("*.py")):
        summary = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]
        yield f"{path.relative_to(package)!s:40} {summary}".rstrip()
    yield "```"


def _table(title: str, of: tuple[Column, ...]) -> Iterator[str]:
    yield f"**{title}**"
    yield ""
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for column in of:
        yield f"| `{column.name}` | {column.type}{' REQUIRED' * (column.mode == 'REQUIRED')} | {column.description} |"
    yield ""


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "schedules": schedules,
    "endpoints": endpoints,
    "columns": columns,
    "tree": tree,
}


def rendered(text: str) -> str:
    """Return README's text with its generated parts as they should be."""
    for name, part in PARTS.items():
        marks = re.compile(rf"(<!-- {name}: generated -->\n).*?(<!-- end -->)", re.DOTALL)
        body = "\n".join(part()).strip()
        text, found = marks.subn(lambda m, body=body: f"{m[1]}\n{body}\n\n{m[2]}", text)
        if found != 1:
            raise ValueError(f"README.md has no place for {name}")
    return text


if __name__ == "__main__":
    README.write_text(rendered(README.read_text()))
