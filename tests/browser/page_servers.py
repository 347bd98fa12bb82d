"""API servers of several Airflows whose database holds snapshots, with users who have to log in."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.airflow_home import airflow_environment
from tests.support.servers import REPOSITORY, free_port, running, wait_for

USERS = {"viewer": "viewer", "admin": "admin"}


class Server:
    """A running API server.

    :ivar url: its address, with the base path and without a slash at its end.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def token(self, user: str) -> str:
        """Log in and return the token that the UI keeps in its cookie."""
        body = json.dumps({"username": user, "password": user}).encode()
        request = urllib.request.Request(f"{self.url}/auth/token", body, {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as reply:
            return str(json.load(reply)["access_token"])


class Home:
    """An Airflow with a database in which the DAGs next to this file have run."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.python = str(python)
        self.folder = folder
        dags = folder / "dags"
        dags.mkdir(parents=True)
        passwords = folder / "passwords.json"
        passwords.write_text(json.dumps({user: user for user in USERS}))
        self.environment = {
            **os.environ,
            **airflow_environment(folder, dags),
            "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH", ""), str(REPOSITORY)])),
            "PYTHONWARNINGS": "ignore",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__API__SECRET_KEY": "for-a-scratch-airflow-on-loopback-only",
        }
        self._run("airflow", "db", "migrate")
        self._run("tests.browser.seed")

    @contextlib.contextmanager
    def serve(self, base_path: str, extra: Mapping[str, str] | None = None) -> Iterator[Server]:
        """Run an API server below ``base_path``."""
        port = free_port()
        url = f"http://127.0.0.1:{port}{base_path}"
        environment = {**self.environment, "AIRFLOW__API__BASE_URL": url, **(extra or {})}
        command = [self.python, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
        log = self.folder / "api-server.log"
        with running([*command, "--workers", "1"], log, environment) as process:
            wait_for(f"{url}/api/v2/monitor/health", process, log)
            yield Server(url)

    def _run(self, *module: str) -> None:
        run = subprocess.run(
            [self.python, "-m", *module], env=self.environment, capture_output=True, text=True, check=False
        )
        (self.folder / f"{module[-1]}.log").write_text(run.stdout + run.stderr)
        if run.returncode:
            raise RuntimeError(f"{' '.join(module)} failed:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
