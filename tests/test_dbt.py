"""The dbt sources file: whole, readable as YAML, and its uniqueness tests hold on real rows."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlglot
import yaml

from airflow_provider_wxanalysis import dbt
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import last_closed_day
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import run_context


@pytest.fixture
def printed(capsys):
    def run(*arguments):
        dbt.main(list(arguments))
        return yaml.safe_load(capsys.readouterr().out)

    return run


def test_says_everything_the_catalogue_knows(printed):
    content = printed("--database", "my-project", "--schema", "wechat")
    assert content == dbt.sources("wechat", "my-project", "wechat")
    (source,) = content["sources"]
    assert (source["database"], source["schema"]) == ("my-project", "wechat")
    for table, endpoint in zip(source["tables"], ENDPOINTS.values(), strict=True):
        assert table["name"] == endpoint.name
        assert table["description"] == endpoint.description
        assert {c["name"]: c["description"] for c in table["columns"]} == {
            column.name: column.description for column in endpoint.table_columns
        }
        required = {c["name"] for c in table["columns"] if c.get("data_tests") == ["not_null"]}
        assert required == {column.name for column in endpoint.table_columns if column.mode == "REQUIRED"}


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_the_uniqueness_test_is_bigquery_sql(endpoint):
    assert sqlglot.parse_one(f"SELECT {dbt.unique_key(endpoint)}", read="bigquery")


@pytest.mark.parametrize("name", ["visit_distribution", "daily_retain", "visit_page", "performance_data"])
def test_no_two_rows_are_alike(name, wechat_server, connect, dataset, bq):
    yesterday = str(last_closed_day(dt.datetime.now(dt.UTC)))
    WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint=name,
        destination_project_dataset_table=f"{dataset}.{{endpoint}}",
        weanalysis_conn_id=connect(wechat_server),
        from_date=yesterday,
        to_date=yesterday,
        gcp_conn_id=None,
    ).execute(run_context(None, dt.datetime.now(dt.UTC)))
    key = dbt.unique_key(ENDPOINTS[name])
    query = f"SELECT {key} AS k, COUNT(*) AS n FROM `{dataset}.{name}` GROUP BY k"
    counts = {row["n"] for row in bq.query_and_wait(query)}
    assert counts == {1}
