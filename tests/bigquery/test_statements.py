"""The SQL: each column as its own type, one partition and no other, and numbers that BigQuery would refuse."""

from __future__ import annotations

import json
import random

import pytest
import sqlglot
from sqlglot import exp

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.bigquery.statements import contents_statement, merge_statement
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.bigquery.conftest import PAGES, chunk_of, day, page_rows
from tests.support.bigquery_json import accepts, printed

TABLE = TableName("p", "d", "t")
LOAD_VALUES = ["CURRENT_TIMESTAMP()", "@load_id", "@run_id", "@dag_id", "@task_id"]


def parsed(endpoint=PAGES, **options):
    return sqlglot.parse_one(merge_statement(TABLE, endpoint, **options), dialect="bigquery")


def written(column_type, number):
    """The expression that reads the value at a place of a row."""
    value = f"JSON_VALUE(r, '$[{number}]')"
    return {"STRING": value, "JSON": f"PARSE_JSON({value}, wide_number_mode => 'round')"}.get(
        column_type, f"CAST({value} AS {column_type})"
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_every_column_is_read_as_its_type(endpoint):
    (select,) = parsed(endpoint).args["using"].find_all(exp.Select)
    columns = endpoint.table_columns[: -len(LOAD_VALUES)]
    found = {item.alias: item.this for item in select.expressions}
    assert list(found) == [column.name for column in columns]
    for number, column in enumerate(columns):
        assert found[column.name] == sqlglot.parse_one(written(column.type, number), dialect="bigquery"), column.name


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_every_column_is_written(endpoint):
    (insert,) = parsed(endpoint).find_all(exp.Insert)
    names = [column.name for column in endpoint.table_columns]
    assert [item.name for item in insert.this.expressions] == names
    values = [item.sql(dialect="bigquery") for item in insert.expression.expressions]
    assert values == [*(f"S.{name}" for name in names[: -len(LOAD_VALUES)]), *LOAD_VALUES]


def test_slices_are_matched_exactly_and_nothing_else_is_read():
    """Filters on parameters prune; so a load costs the partitions that it replaces, and locks no others."""
    merge = parsed()
    assert merge.args["on"].sql() == "FALSE"
    by_source, by_target = merge.args["whens"].expressions
    condition = (
        "T.begin_date IN UNNEST(@dates) AND T.appid IN UNNEST(@appids) AND STRUCT(T.appid, T.begin_date, T.end_date)"
    )
    assert by_source.args["source"]
    assert by_source.args["condition"].sql(dialect="bigquery") == f"{condition} IN UNNEST(@slices)"
    assert by_source.args["then"].sql() == "DELETE"
    assert by_target.args.get("condition") is None
    where = sqlglot.parse_one(contents_statement(TABLE), dialect="bigquery").args["where"].this
    assert where.sql(dialect="bigquery") == f"{condition} IN UNNEST(@slices)".replace("T.", "")


def test_without_named_arguments_only_those_are_missing():
    without = merge_statement(TABLE, PAGES, named_arguments=False)
    assert merge_statement(TABLE, PAGES).replace(", wide_number_mode=>'round'", "") == without


def test_no_unknown_field_is_null_and_no_json_null(writer, dataset, bq):
    with_field, without = page_rows(day(1), 10, 20)
    writer().replace(chunk_of({day(1): [{**with_field, "_extra": {"new": None}}, without]}))
    rows = bq.query_and_wait(
        f"SELECT page_visit_pv, _extra IS NULL AS nothing, TO_JSON_STRING(_extra) AS text FROM `{dataset}.visit_page`"
    )
    assert {row["page_visit_pv"]: (row["nothing"], row["text"]) for row in rows} == {
        10: (False, '{"new":null}'),
        20: (True, "null"),
    }


#: Numbers that BigQuery's users have reported as refused.
REPORTED = [67.174118, 51.4166919, 22.770092, 13.7391432, 1686725407.683936]


class TestNumbers:
    """Unknown fields may hold any number."""

    def mode(self):
        """The mode in which the statement has JSON parsed."""
        (argument,) = parsed().find_all(exp.Kwarg)
        assert argument.this.name == "wide_number_mode"
        return argument.expression.name

    @pytest.mark.parametrize("number", REPORTED)
    def test_bigquery_refuses_these_by_default(self, number):
        assert not accepts({"new": [number]}, None)
        assert float(printed(number)) == number, "it is the same double, spelled with more digits"
        assert accepts({"new": [number]}, self.mode())

    def test_the_rule_refuses_as_many_as_bigquery_does(self):
        """Measured on GoogleSQL's own code: 0.145 % with six decimals, none with two or four, 0.04 % of all doubles."""
        dice = random.Random(1)
        counts = {}
        for decimals in (2, 4, 6):
            numbers = [round(dice.uniform(0, 100), decimals) for _ in range(20_000)]
            counts[decimals] = sum(not accepts(number, None) for number in numbers)
        assert counts[2] == counts[4] == 0
        assert 10 <= counts[6] <= 60

    def test_every_finite_double_is_loaded(self):
        dice = random.Random(2)
        numbers = [dice.uniform(-1, 1) * 10 ** dice.uniform(-308, 308) for _ in range(2_000)]
        mode = self.mode()
        for number in [*numbers, 0.0, -0.0, 5e-324, 1.7976931348623157e308, 2.0**-1022]:
            assert accepts(json.loads(json.dumps(number)), mode)
            assert number == 0 or float(printed(number)) == number, "the printer of the rule never bends a number"
