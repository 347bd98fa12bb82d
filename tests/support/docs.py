"""The docs: their pages, snippets and links, and the parts that are generated from data, in both languages.

``python -m tests.support.docs`` rewrites the generated parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from airflow_provider_wxanalysis import exceptions
from airflow_provider_wxanalysis.catalogue.columns import EXTRA, LEADING, LOAD, Column
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from airflow_provider_wxanalysis.tasks.outcomes import ON_EMPTY, Effect, Outcome, Role, Verdict, course
from airflow_provider_wxanalysis.views.definitions import NAMES, view
from airflow_provider_wxanalysis.wechat.remedies import ERRCODES
from tests.intervals.healing import heals
from tests.intervals.table import SCHEDULES, Schedule
from tests.support import speed
from tests.support.servers import REPOSITORY

LANGUAGES = ("en", "zh-CN")
FOLDER = REPOSITORY / "docs"
READMES = {"en": REPOSITORY / "README.md", "zh-CN": REPOSITORY / "README.zh-CN.md"}
PAGES = {
    language: {"front": READMES[language], **{page.name: page for page in sorted((FOLDER / language).glob("*.md"))}}
    for language in LANGUAGES
}
_OPERATORS = {
    "user_portrait": "WeAnalysisUserPortraitOperator()",
    "user_portrait_7d": "WeAnalysisUserPortraitOperator(window_days=7)",
    "user_portrait_30d": "WeAnalysisUserPortraitOperator(window_days=30)",
}
_WINDOWS_ZH = {"day": "日", "week": "周", "month": "月", "last 7 days": "最近 7 天", "last 30 days": "最近 30 天"}


def pages() -> list[Path]:
    """Return every page that a reader sees: both READMEs, the docs, and what is written for contributors."""
    own = [page for language in LANGUAGES for page in PAGES[language].values()]
    return [*own, *(REPOSITORY / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"))]


def snippets(path: Path, language: str = "python") -> list[str]:
    """Return a page's code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(), re.DOTALL)


def dag_snippets() -> dict[str, str]:
    """Return the English pages' code blocks that are DAG files, by the id of their first DAG."""
    blocks = [code for page in PAGES["en"].values() for code in snippets(page) if "DAG(" in code]
    return {re.findall(r'dag_id="(\w+)"', code)[0]: code for code in blocks}


def endpoints(language: str) -> Iterator[str]:
    """Yield the table of endpoints."""
    yield from {
        "en": ("| endpoint | operator | period | grows | contents |", "|---|---|---|---|---|"),
        "zh-CN": ("| 接口 | operator | 周期 | 增长 | 内容 |", "|---|---|---|---|---|"),
    }[language]
    for name, entry in ENDPOINTS.items():
        words = "".join(word.capitalize() for word in name.split("_"))
        operator = _OPERATORS.get(name, f"WeAnalysis{words}Operator()")
        grows = ", ".join(map(str, entry.refresh_offsets)) or "–"
        window = entry.window.name if language == "en" else _WINDOWS_ZH[entry.window.name]
        yield f"| [`{name}`]({entry.docs}) | `{operator}` | {window} | {grows} | {_contents(entry, language)} |"


def _contents(entry: Endpoint, language: str) -> str:
    english = language == "en"
    notes = [entry.en if english else entry.zh]
    if entry.row_limit:
        notes.append(f"top {entry.row_limit}" if english else f"仅前 {entry.row_limit} 行")
    if entry.reach_days is not None:
        notes.append("yesterday and the day before only" if english else "仅昨天和前天")
    return ("; " if english else "；").join(notes)


def columns(language: str) -> Iterator[str]:
    """Yield the tables of columns, one for each set of endpoints that share them."""
    first, last = {"en": ("Every table begins with", "Every table ends with"), "zh-CN": ("每张表开头", "每张表结尾")}[
        language
    ]
    yield from _table(first, LEADING, language)
    for own in dict.fromkeys(entry.columns for entry in ENDPOINTS.values()):
        names = ", ".join(f"`{name}`" for name, entry in ENDPOINTS.items() if entry.columns == own)
        yield from _table(names, own, language)
    yield from _table(last, (EXTRA, *LOAD), language)


def _table(title: str, of: tuple[Column, ...], language: str) -> Iterator[str]:
    yield f"**{title}**"
    yield ""
    yield "| column | type | meaning |" if language == "en" else "| 字段 | 类型 | 含义 |"
    yield "|---|---|---|"
    for column in of:
        meaning = column.en if language == "en" else column.zh
        yield f"| `{column.name}` | {column.type}{' REQUIRED' * (column.mode == 'REQUIRED')} | {meaning} |"
    yield ""


def schedules(language: str) -> Iterator[str]:
    """Yield the table of schedules, each with the last of the runs that it is tested with."""
    yield from {
        "en": ("| `schedule=` | a run due | loads days | weeks | months | leaves out |", "|---|---|---|---|---|---|"),
        "zh-CN": ("| `schedule=` | 计划时间 | 加载的日 | 周 | 月 | 漏掉 |", "|---|---|---|---|---|---|"),
    }[language]
    for schedule in SCHEDULES:
        setting = "<br>`[scheduler] create_cron_data_intervals = True`" if schedule.cron_data_intervals else ""
        due, *loads = schedule.runs[-1]
        loses = {"en": "; ", "zh-CN": "；"}[language].join(
            [schedule.loses if language == "en" else schedule.loses_zh, *_healed(schedule, language)]
        )
        cells = [f"`{schedule.timetable}`{setting}", due, *(_span(load, language) for load in loads), loses]
        yield f"| {' | '.join(cells)} |"


def _healed(schedule: Schedule, language: str) -> Iterator[str]:
    for gap in heals(schedule):
        first, last = gap.from_date, gap.to_date
        yield {"en": f"healing then loads {first} to {last}", "zh-CN": f"补数会加载 {first} 至 {last}"}[language]


def _span(periods: str | None, language: str) -> str:
    each = (periods or "–").split()
    if len(each) == 1:
        return each[0]
    first, last = each[0].split("/")[0], each[-1].split("/")[-1]
    return f"{len(each)}: {first} to {last}" if language == "en" else f"{len(each)} 个：{first} 至 {last}"


def tree(_language: str) -> Iterator[str]:
    """Yield the tree of exceptions, as their module draws it."""
    (drawn,) = re.findall(r"::\n\n(.*?)\n\n\S", exceptions.__doc__ or "", re.DOTALL)
    yield from ("```", *(line.removeprefix("    ") for line in drawn.splitlines()), "```")


def errcodes(language: str) -> Iterator[str]:
    """Yield the table of errcodes."""
    yield "| errcode | error | what to do |" if language == "en" else "| errcode | 错误类型 | 处理办法 |"
    yield "|---|---|---|"
    for code, known in sorted(ERRCODES.items()):
        yield f"| {code} | `{known.error.__name__}` | {known.en if language == 'en' else known.zh} |"


_OUTCOMES_ZH = {Outcome.ROWS: "有数据", Outcome.EMPTY: "空", Outcome.NOT_YET: "还没出", Outcome.REFUSED: "被拒"}
_EFFECTS_ZH = {Effect.WRITE: "换成微信返回的行", Effect.CLEAR: "清空", Effect.KEEP: "保持原样"}
_VERDICTS_ZH = {
    Verdict.FINE: "成功",
    Verdict.RECORD: "成功并记录",
    Verdict.SKIP: "成功，切片没有数据则记录；什么都没加载则跳过",
    Verdict.SETTLE: "切片没有数据则成功并记录，否则报错",
    Verdict.WAIT: "在 triggerer 里等",
    Verdict.WARN: "告警",
    Verdict.FAIL: "报错",
}


def outcomes(language: str) -> Iterator[str]:
    """Yield what a load does with each outcome, from the table that decides it."""
    yield from {
        "en": (
            "| outcome | `on_empty` | the slice | due: the task | due, `deferrable`: the task | earlier period |",
            "|---|---|---|---|---|---|",
        ),
        "zh-CN": (
            "| 结果 | `on_empty` | 切片 | 应取：任务 | 应取，`deferrable`：任务 | 之前的周期 |",
            "|---|---|---|---|---|---|",
        ),
    }[language]
    for outcome in Outcome:
        for on_empty in ON_EMPTY if outcome is Outcome.EMPTY else ("",):
            yield _outcome(outcome, on_empty, language)


def _outcome(outcome: Outcome, on_empty: str, language: str) -> str:
    english = language == "en"
    chosen: Any = on_empty or "fail"
    due, waiting, earlier = (
        course(outcome, role, chosen, may_wait=may_wait)
        for role, may_wait in ((Role.DUE, False), (Role.DUE, True), (Role.LOOKBACK, True))
    )
    verdicts = (each.verdict.value if english else _VERDICTS_ZH[each.verdict] for each in (due, waiting, earlier))
    effect = due.effect.value if english else _EFFECTS_ZH[due.effect]
    name = outcome.value if english else _OUTCOMES_ZH[outcome]
    return f"| {name} | {f'`{on_empty}`' if on_empty else '–'} | {effect} | {' | '.join(verdicts)} |"


def views(language: str) -> Iterator[str]:
    """Yield the views, each with what it reads."""
    yield "| view | contents | reads |" if language == "en" else "| 视图 | 内容 | 来源 |"
    yield "|---|---|---|"
    for name in NAMES:
        chinese, english = view(name).description.split(" / ", 1)
        reads = ", ".join(f"`{table}`" for table in view(name).reads)
        contents = english if language == "en" else chinese
        yield f"| `{name}` | {contents} | {reads if name != 'report_coverage' else '–'} |"


PARTS: dict[str, Callable[[str], Iterator[str]]] = {
    "columns": columns,
    "endpoints": endpoints,
    "errcodes": errcodes,
    "outcomes": outcomes,
    "schedules": schedules,
    "speed": speed.table,
    "tree": tree,
    "views": views,
}


def rendered(text: str, language: str) -> str:
    """Return a page's text with its generated parts as they should be."""
    marks = re.compile(r"<!-- (\w+): generated -->\n.*?<!-- end -->", re.DOTALL)

    def part(found: re.Match[str]) -> str:
        body = "\n".join(PARTS[found[1]](language)).strip()
        return f"<!-- {found[1]}: generated -->\n\n{body}\n\n<!-- end -->"

    return marks.sub(part, text)


if __name__ == "__main__":
    for language in LANGUAGES:
        for page in PAGES[language].values():
            page.write_text(rendered(page.read_text(), language))
