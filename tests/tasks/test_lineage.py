"""OpenLineage events, as Airflow's own provider emits them in a real run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.tasks.lineage import lineage
from airflow_provider_wxanalysis.tasks.results import AppResult, LoadResult
from airflow_provider_wxanalysis.testing import CANARY
from tests.conftest import APPS
from tests.support.airflow_home import make_airflow_home

DAG_FILE = """
import pendulum
from airflow.sdk import DAG
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

with DAG("lineage", schedule=None, start_date=pendulum.datetime(2026, 1, 1)):
    WeAnalysisToBigQueryOperator(
        task_id="load",
        endpoint="daily_summary",
        destination_project_dataset_table="{dataset}.{{endpoint}}",
        gcp_conn_id=None,
        from_date="2026-03-01",
        to_date="2026-03-02",
    )
"""


@pytest.fixture
def events(wechat_server, connect, dataset, tmp_path):
    """The events of a real run of one load."""
    connect(wechat_server)
    home = make_airflow_home(tmp_path / "airflow", tmp_path / "dags")
    (tmp_path / "dags" / "lineage.py").write_text(DAG_FILE.format(dataset=dataset))
    log = tmp_path / "events.jsonl"
    environment = {
        **os.environ,
        **home,
        "AIRFLOW__OPENLINEAGE__DISABLED": "False",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(log), "append": True}),
    }
    command = [sys.executable, "-m", "airflow", "dags", "test", "lineage"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert CANARY not in log.read_text() + run.stdout + run.stderr
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize(("apps", "inputs"), [(1, 1), (20, 20), (21, 1), (500, 1)])
def test_of_many_apps_the_endpoint_is_the_input(apps, inputs):
    endpoint = ENDPOINTS["daily_summary"]
    result = LoadResult(
        TableName("p", "d", "t"), endpoint.name, ("job",), {f"wx{number:016}": AppResult() for number in range(apps)}
    )
    found = lineage(endpoint, result).inputs
    assert len(found) == inputs
    assert all(each.name.endswith(endpoint.path) for each in found)
    assert (found[0].name == endpoint.path) == (apps > 20)


def test_a_load_tells_where_its_rows_come_from_and_went(events, dataset, bq):
    (event,) = (e for e in events if e["eventType"] == "COMPLETE" and e["job"]["name"] == "lineage.load")
    (source,), (target,) = event["inputs"], event["outputs"]
    assert source["namespace"] == "https://api.weixin.qq.com"
    assert source["name"] == f"{APPS[0]}{ENDPOINTS['daily_summary'].path}"
    assert (target["namespace"], target["name"]) == ("bigquery", f"{dataset}.daily_summary")
    fields = target["facets"]["schema"]["fields"]
    assert [field["name"] for field in fields] == [c.name for c in ENDPOINTS["daily_summary"].table_columns]
    assert all(field["description"] for field in fields)
    assert target["outputFacets"]["outputStatistics"]["rowCount"] == 2
    query = event["run"]["facets"]["externalQuery"]
    assert query["source"] == "bigquery"
    assert bq.get_job(query["externalQueryId"]).statement_type in ("MERGE", None)
