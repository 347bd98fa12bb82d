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
    assert view("report_day").missing({"daily_visit_trend"}) == ["daily_summary"]
    assert not view("report_day").can_be_made({"daily_visit_trend"})
    assert view("report_retention").can_be_made({"weekly_retain"})
    assert not view("report_retention").can_be_made({"daily_summary"})
    assert set(view("report_coverage").reads) == set(ENDPOINTS)


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
