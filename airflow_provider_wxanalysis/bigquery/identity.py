"""Who runs a job: the task instance, its try and the Airflow it belongs to. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import NamedTuple

from airflow_provider_wxanalysis.bigquery.labels import label_value
from airflow_provider_wxanalysis.bigquery.names import TableName


class TaskIdentity(NamedTuple):
    """One try of one task instance.

    :param dag_id: the DAG.
    :param run_id: the DAG run.
    :param task_id: the task.
    :param map_index: which instance of a mapped task; -1 or ``None`` for a task that is not mapped.
    :param try_number: which try, from 1.
    :param started_at: when the try began, aware.
    :param deployment: what distinguishes this Airflow from others that may have runs of the same name; any text, the
        same on all its workers.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int | None
    try_number: int
    started_at: dt.datetime
    deployment: str = ""

    def job_id(self, table: TableName, serial: int) -> str:
        """Return the id of the task instance's ``serial``-th job on a table; tries share the numbers."""
        instance = [self.deployment, str(table), self.dag_id, self.run_id, self.task_id, self.map_index]
        return f"weanalysis_{hashlib.sha256(json.dumps(instance).encode()).hexdigest()[:32]}_n{serial}"

    def ran(self, table: TableName, job_id: str) -> bool:
        """Whether any try of this task instance submitted a job for a table."""
        return job_id.rpartition("_n")[0] == self.job_id(table, 0).rpartition("_n")[0]

    @property
    def labels(self) -> dict[str, str]:
        """DAG and task as labels, under the keys that Airflow's Google provider uses."""
        return {"airflow-dag": label_value(self.dag_id), "airflow-task": label_value(self.task_id)}
