"""Who the running task is: the same on every worker and in every try, and another in every deployment."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.tasks.identity import deployment, task_identity

TABLE = TableName("p", "d", "t")
TI = {"dag_id": "dag", "run_id": "run", "task_id": "task", "map_index": 3, "try_number": 2}
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def identity(**changes):
    return task_identity({"ti": SimpleNamespace(**{**TI, "start_date": START, **changes})})


def test_it_is_read_from_airflow_s_context():
    assert identity()[:6] == (*TI.values(), START)
    assert identity(start_date=None).started_at.utcoffset() == dt.timedelta(0), "now, where Airflow does not say"


@pytest.mark.parametrize("change", [{"dag_id": "x"}, {"run_id": "x"}, {"task_id": "x"}, {"map_index": 4}])
def test_another_task_instance_has_other_job_ids(change):
    assert identity(**change).job_id(TABLE, 0) != identity().job_id(TABLE, 0)


def test_tries_share_their_job_ids():
    assert identity(try_number=9, start_date=START + dt.timedelta(1)).job_id(TABLE, 5) == identity().job_id(TABLE, 5)


def test_tables_and_deployments_do_not(monkeypatch):
    ids = {identity().job_id(table, 0) for table in (TABLE, TableName("p", "d", "t2"), TableName("p", "e", "t"))}
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/other")
    ids.add(identity().job_id(TABLE, 0))
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"API__BASE_URL": "https://Airflow.Example/"}, "https://airflow.example"),
        (
            {"API__BASE_URL": "", "CORE__EXECUTION_API_SERVER_URL": "http://api:8080/execution/"},
            "http://api:8080/execution",
        ),
        ({"API__BASE_URL": "", "CORE__EXECUTION_API_SERVER_URL": ""}, ""),
    ],
)
def test_a_deployment_is_its_address(monkeypatch, settings, address):
    for name, value in settings.items():
        monkeypatch.setenv(f"AIRFLOW__{name}", value)
    assert deployment() == address


def test_no_secret_is_part_of_it(monkeypatch):
    """Workers of Airflow 3 have none, or each one of its own; and ids are seen by all who may list jobs."""
    before = deployment()
    for name in ("CORE__FERNET_KEY", "API__SECRET_KEY", "API_AUTH__JWT_SECRET", "DATABASE__SQL_ALCHEMY_CONN"):
        monkeypatch.setenv(f"AIRFLOW__{name}", "another")
    assert deployment() == before
