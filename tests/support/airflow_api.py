"""Airflow's REST API, as the tests use it."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


class DatabaseError(RuntimeError):
    """SQLite lets one process write, and Airflow answers the others that the database is locked."""


class AirflowApi:
    """A running Airflow, by its REST API.

    :ivar url: the API server's address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._token = ""

    def api(self, method: str, path: str, body: Json | None = None, **query: Any) -> Any:
        """Call ``/api/v2/{path}`` and return its JSON."""
        if not self._token:
            self._token = _request("GET", f"{self.url}/auth/token")["access_token"]
        url = f"{self.url}/api/v2/{path}?{urllib.parse.urlencode(query, doseq=True)}"
        passing = (DatabaseError, OSError) if method == "GET" else DatabaseError  # what was sent may have been done
        for pause in (1, 2, 4, 8, 16, 0):
            try:
                return _request(method, url, body, {"Authorization": f"Bearer {self._token}"})
            except passing as error:
                failed = error
                time.sleep(pause)
        raise failed

    def connect(self, conn_id: str, connection: Json) -> None:
        """Make a connection, given as for ``AIRFLOW_CONN_…``, or replace it."""
        body = {**connection, "connection_id": conn_id, "extra": json.dumps(connection.get("extra", {}))}
        with contextlib.suppress(LookupError):
            self.api("DELETE", f"connections/{conn_id}")
        self.api("POST", "connections", body)

    def set_variable(self, key: str, value: str) -> None:
        """Make a Variable or replace it."""
        with contextlib.suppress(LookupError):
            self.api("DELETE", f"variables/{key}")
        self.api("POST", "variables", {"key": key, "value": value})

    def unpause(self, dag_id_pattern: str) -> None:
        """Switch DAGs on; ``%`` stands for anything."""
        self.api("PATCH", "dags", {"is_paused": False}, update_mask="is_paused", dag_id_pattern=dag_id_pattern)

    def trigger(self, dag_id: str, **body: Any) -> str:
        """Trigger a DAG as the UI does and return the run's id.

        :param body: what the REST API takes, such as ``logical_date`` (none by default) or ``conf``.
        """
        return str(self.api("POST", f"dags/{dag_id}/dagRuns", {"logical_date": None, **body})["dag_run_id"])

    def runs(self, dag_id: str) -> list[Json]:
        """Return a DAG's runs, in the order in which they were due."""
        found: list[Json] = self.api("GET", f"dags/{dag_id}/dagRuns", order_by="run_after", limit=100)["dag_runs"]
        return found

    def run(self, dag_id: str, run_id: str) -> Json:
        """Return a run."""
        found: Json = self.api("GET", _run_path(dag_id, run_id))
        return found

    def tasks(self, dag_id: str, run_id: str) -> list[Json]:
        """Return a run's task instances."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances"
        found: list[Json] = self.api("GET", path, limit=100)["task_instances"]
        return found

    def xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, key: str = "return_value") -> Any:
        """Return what a task returned, or ``None`` if it returned nothing."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{task_id}/xcomEntries/{key}"
        try:
            return self.api("GET", path, map_index=map_index, deserialize="false", stringify="false")["value"]
        except LookupError:
            return None

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Return what a task has logged, as JSON lines."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{task_id}/logs/{try_number}"
        return json.dumps(self.api("GET", path, map_index=map_index, full_content="true"), ensure_ascii=False)


def _run_path(dag_id: str, run_id: str) -> str:
    return f"dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}"


def _request(method: str, url: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            return json.loads(response.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode(errors="replace")
        locked = error.code == 500 and "Database error" in text
        kind = LookupError if error.code == 404 else DatabaseError if locked else RuntimeError
        raise kind(f"{method} {url} was answered {error.code}: {text}") from None
