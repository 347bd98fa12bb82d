"""A real API server of a scratch Airflow, its REST API and its command line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support.airflow_home import make_airflow_home
from tests.support.servers import free_port, running, wait_for


class AirflowUI:
    """A running API server in which everybody is an administrator."""

    def __init__(self, url: str, environment: dict[str, str]) -> None:
        self.url = url
        self._environment = environment
        self._token = self.rest("GET", "/auth/token")["access_token"]

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API server and return its reply."""
        headers = {"Content-Type": "application/json"}
        if path != "/auth/token":
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as reply:
            return json.load(reply)

    def cli(self, *arguments: str) -> tuple[int, str]:
        """Run an ``airflow`` command and return its exit code and what it printed, in one line."""
        command = [sys.executable, "-m", "airflow", *arguments]
        run = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        return run.returncode, " ".join(run.stdout.split())


@contextlib.contextmanager
def airflow_ui(home: Path) -> Iterator[AirflowUI]:
    """Run an API server whose database is in ``home``; this process shares its settings."""
    port = free_port()
    environment = {
        **make_airflow_home(home / "airflow", home / "dags"),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": "for-a-scratch-airflow-on-loopback-only",
    }
    log = home / "api-server.log"
    command = [sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
    with (
        mock.patch.dict(os.environ, environment),  # before airflow is imported, which reads it then
        running([*command, "--workers", "1"], log, dict(os.environ)) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/api/v2/monitor/health", process, log)
        yield AirflowUI(url, dict(os.environ))
