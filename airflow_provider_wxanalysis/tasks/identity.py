"""The task instance that is running, as BigQuery's job ids know it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import airflow
from airflow.providers.common.compat.sdk import conf
from packaging.version import Version

from airflow_provider_wxanalysis.bigquery.identity import TaskIdentity

#: Where a deployment's address is configured: the one for people, or else the one for its own workers.
_ADDRESSES = (
    ("webserver" if Version(airflow.__version__).major < 3 else "api", "base_url"),
    ("core", "execution_api_server_url"),
)


def task_identity(context: Mapping[str, Any]) -> TaskIdentity:
    """Return who the running task instance is.

    :param context: Airflow's context.
    """
    ti = context["ti"]
    started_at = getattr(ti, "start_date", None) or dt.datetime.now(dt.UTC)
    return TaskIdentity(ti.dag_id, ti.run_id, ti.task_id, ti.map_index, ti.try_number, started_at, deployment())


def deployment() -> str:
    """Return what distinguishes this Airflow from others: the address that people reach it by.

    It is read without a database, is the same on every worker and in every try, and is not secret. Keys and passwords
    would not do: Airflow 3 needs neither on workers, and where they are not set each worker makes up its own.
    """
    for section, key in _ADDRESSES:
        if address := (conf.get(section, key, fallback="") or "").strip().rstrip("/").lower():
            return address
    return ""
