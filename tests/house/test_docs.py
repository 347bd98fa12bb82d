"""The docs show what the code does, in both languages alike."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.support.docs import LANGUAGES, PAGES, READMES, dag_snippets, pages, rendered, snippets
from tests.support.servers import REPOSITORY

ALL = [
    pytest.param(language, page, id=f"{language}-{name}")
    for language in LANGUAGES
    for name, page in PAGES[language].items()
]


@pytest.mark.parametrize(("language", "page"), ALL)
def test_generated_parts_are_current(language, page):
    """If not: ``python -m tests.support.docs``."""
    assert rendered(page.read_text(), language) == page.read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_readme_is_short(language):
    assert len(READMES[language].read_text().splitlines()) <= 150


def test_the_first_dag_is_short():
    assert len(dag_snippets()["wechat_visits"].strip().splitlines()) <= 25


def structure(page):
    """A page's bones: levels of headings, rows of its tables, code, targets of links and pictures, in order."""
    text = re.sub(r"<!-- (\w+): generated -->.*?<!-- end -->", r"<!-- \1 -->", page.read_text(), flags=re.DOTALL)
    code = [re.sub(r"\s*#.*", "", block) for block in re.findall(r"```.*?```", text, re.DOTALL)]
    prose = re.sub(r"```.*?```", "<code>", text, flags=re.DOTALL)
    bones = re.findall(r"^#+(?= )|^\|(?!---)|<code>|^\* |<!-- \w+ -->", prose, re.MULTILINE)
    return bones, code


@pytest.mark.parametrize("name", PAGES["en"])
def test_both_languages_have_the_same_structure(name):
    assert structure(PAGES["en"][name]) == structure(PAGES["zh-CN"][name])


def test_both_languages_have_the_same_pages():
    assert PAGES["en"].keys() == PAGES["zh-CN"].keys()


def anchors(page):
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(((?!https?:)[^)]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_snippet_is_run():
    """DAGs by tests/dags/test_docs, the others below."""
    here = ("WeAnalysisHook(", "def test_my_dag(")
    for page in pages():
        for code in snippets(page):
            assert ("DAG(" in code) != any(mark in code for mark in here), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fetch_snippet_works(language, wechat_server, connect):
    connect(wechat_server)
    namespace: dict[str, Any] = {}
    (code,) = (code for code in snippets(PAGES[language]["loading.md"]) if "WeAnalysisHook(" in code)
    exec(code, namespace)
    assert namespace["rows"][0]["begin_date"] == "2026-03-01"


def test_the_test_snippet_works(wechat_server, monkeypatch):
    (code,) = snippets(PAGES["en"]["testing.md"])
    day = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 1))

    def run_my_dag():
        with WeAnalysisHook() as hook:
            hook.fetch("visit_page", day)

    namespace: dict[str, Any] = {"run_my_dag": run_my_dag}
    exec(code, namespace)
    namespace["test_my_dag"](wechat_server, monkeypatch)


@pytest.mark.parametrize("language", LANGUAGES)
def test_connections_in_the_docs_are_valid_json(language):
    for page in PAGES[language].values():
        for found in re.findall(r"export AIRFLOW_CONN_\w+='(.*?)'", page.read_text(), re.DOTALL):
            assert json.loads(found)["conn_type"] == "weanalysis"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_argument_of_a_load_is_described(language):
    text = PAGES[language]["loading.md"].read_text()
    own = inspect.signature(WeAnalysisToBigQueryOperator.__init__).parameters.keys() - {"self", "kwargs"}
    assert {name for name in own if f"`{name}`" not in text} == set()


#: Rooms and modules that the reference calls private.
PRIVATE = {
    "folding",
    "supervisor",
    "tasks",
    "wechat",
    "bigquery",
    "catalogue",
    "coverage",
    "views",
    "ui",
    "triggers",
    "links",
    *("get_provider_info", "hooks.connections", "hooks.form", "hooks.masking", "hooks.readiness", "hooks.sharing"),
}


#: What public modules define for other rooms of the package; the reference calls it private.
HELPERS = {
    "dbt": {"sources", "unique_key", "main"},
    "endpoints": {"Request", "portrait_name", "resolve"},
    "exceptions": {"call_name"},
    "periods": {"last_closed_day"},
}


def documented(language):
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", PAGES[language]["reference.md"].read_text(), re.MULTILINE)
    return {module: re.findall(r"`(\w+)`", names) for module, names in rows}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_public_api_exists(language):
    for module, names in documented(language).items():
        loaded = importlib.import_module(f"airflow_provider_wxanalysis.{module}")
        assert [name for name in names if not hasattr(loaded, name)] == []


def public_modules():
    for path in sorted((REPOSITORY / "airflow_provider_wxanalysis").rglob("*.py")):
        parts = path.relative_to(REPOSITORY / "airflow_provider_wxanalysis").with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        if module and not {module, parts[0]} & {*PRIVATE, "testing"}:
            yield module


def test_everything_else_is_private():
    """What a module defines is in the reference, perhaps under its package, or listed above as a helper."""
    known = documented("en")
    for module in public_modules():
        offered = {*known.get(module, ()), *known.get(module.rpartition(".")[0], ()), *HELPERS.get(module, ())}
        assert module == "exceptions" or own_names(module) <= offered, module


def own_names(module):
    loaded = importlib.import_module(f"airflow_provider_wxanalysis.{module}")
    own = {name: value for name, value in vars(loaded).items() if inspect.isclass(value) or inspect.isfunction(value)}
    return {name for name, value in own.items() if value.__module__ == loaded.__name__ and not name.startswith("_")}


def test_no_page_names_this_machine():
    for page in pages():
        assert not re.search(r"/(tmp|root|work|home)/\w", Path(page).read_text())
