"""The views' SQL and descriptions, without a BigQuery."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.views.definitions import NAMES, view
from tests.support.servers import REPOSITORY

EVERYTHING = (*ENDPOINTS, *NAMES)
READY = dt.timedelta(hours=15)
QUERIES = [
    pytest.param(query, id=f"{page.relative_to(REPOSITORY)}-{number}")
    for page in sorted([*REPOSITORY.glob("README*.md"), *(REPOSITORY / "docs").rglob("*.md")])
    for number, query in enumerate(re.findall(r"```sql\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("present", [EVERYTHING, ()], ids=["all tables", "no table"])
@pytest.mark.parametrize("name", NAMES)
def test_is_bigquery_sql_with_a_description_for_each_column(name, present):
    found = view(name)
    statement = found.statement("my-project.wechat", present, READY)
    assert not re.search(r"\{\w*\}", statement)
    parsed = sqlglot.parse_one(statement, read="bigquery")
    assert isinstance(parsed, exp.Create)
    select: Any = sqlglot.parse_one(found.select("my-project.wechat", present, READY), read="bigquery")
    assert select.named_selects == list(found.columns)
    assert " / " in found.description
    for text in found.columns.values():
        chinese, english = text.split(" / ", 1)
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert re.fullmatch(r"[\x20-\x7e]+", english)
        assert len(text) <= 1024, "what BigQuery takes"


def test_views_come_after_those_they_read():
    for place, name in enumerate(NAMES):
        assert not set(view(name).reads) & set(NAMES[place:])


def test_which_tables_are_needed():
    present = {name: {column.name for column in ENDPOINTS[name].table_columns} for name in ENDPOINTS}

    def obstacle(name, *tables):
        return view(name).obstacle({table: present[table] for table in tables})

    assert obstacle("report_day", "daily_visit_trend") == "missing: daily_summary"
    assert obstacle("report_day", "daily_visit_trend", "daily_summary") is None
    assert obstacle("report_retention", "weekly_retain") is None
    assert obstacle("report_retention", "daily_summary") == "missing: daily_retain, weekly_retain, monthly_retain"
    assert set(view("report_coverage").reads) == set(ENDPOINTS)


@pytest.mark.parametrize(
    ("name", "columns", "obstacle"),
    [
        (
            "report_pages",
            {"entrypage_pv", "page_rank"},
            "table visit_page lacks page_rank, entrypage_pv, which the next load adds",
        ),
        ("report_pages", {"_run_id"}, None),
        ("report_quality", {"page_rank"}, None),
        ("report_coverage", {"_load_id"}, "table visit_page lacks _load_id, which the next load adds"),
    ],
)
def test_only_columns_that_a_view_reads_are_needed(name, columns, obstacle):
    present = {name: {column.name for column in endpoint.table_columns} for name, endpoint in ENDPOINTS.items()}
    present["visit_page"] -= columns
    assert view(name).obstacle(present) == obstacle


def test_the_time_until_publication_is_exact():
    statement = view("report_coverage").select("p.d", EVERYTHING, dt.timedelta(hours=9, minutes=45))
    assert "INTERVAL 35100 SECOND" in statement


def test_an_unknown_view():
    with pytest.raises(ConfigurationError, match="no view 'report_days'"):
        view("report_days")


@pytest.mark.parametrize("query", QUERIES)
def test_queries_in_the_docs_name_columns_that_exist(query):
    select: Any = sqlglot.parse_one(query, read="bigquery")
    (table,) = select.find_all(exp.Table)
    if table.name in NAMES:
        known = set(view(table.name).columns)
    else:
        known = {column.name for column in ENDPOINTS[table.name].table_columns}
    aliases = {each.alias for each in select.selects if isinstance(each, exp.Alias)}
    assert {column.name for column in select.find_all(exp.Column)} <= known | aliases
