"""README says what the code does."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period
from tests.support.readme import README, rendered
from tests.support.servers import REPOSITORY

TEXT = README.read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
#: Those that are DAG files, by the id of their (first) DAG; ``test_dags`` runs them.
DAG_SNIPPETS = {re.search(r'dag_id="(\w+)"', code)[1]: code for code in SNIPPETS if "DAG(" in code}


def test_generated_parts_are_current():
    """If not: ``python -m tests.support.readme``."""
    assert rendered(TEXT) == TEXT


def test_the_dag_is_short():
    assert len(DAG_SNIPPETS["wechat_visits"].strip().splitlines()) <= 25


def test_the_fetch_snippet_works(wechat_server, connect):
    connect(wechat_server)
    namespace = {}
    (code,) = (code for code in SNIPPETS if "WeAnalysisHook(" in code)
    exec(code, namespace)
    assert namespace["rows"][0]["begin_date"] == "2026-03-01"


def test_the_test_snippet_works(wechat_server, monkeypatch):
    (code,) = (code for code in SNIPPETS if "def test_my_dag(" in code)
    day = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 1))
    namespace = {"run_my_dag": lambda: WeAnalysisHook().fetch("visit_page", day)}
    exec(code, namespace)
    namespace["test_my_dag"](wechat_server, monkeypatch)


def test_every_snippet_is_run():
    assert len(SNIPPETS) == len(DAG_SNIPPETS) + 2


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)\)", TEXT))))
def test_links_into_the_repository_lead_somewhere(path):
    assert (REPOSITORY / path).exists()
