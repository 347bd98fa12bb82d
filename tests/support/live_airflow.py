"""A whole Airflow on loopback: API server, scheduler, DAG processor and triggerer, each a process of its own.

Made for tests of what only the real components do: create runs, run tasks side by side, wait in a triggerer.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import psutil
from cryptography.fernet import Fernet

from tests.support.airflow_api import AirflowApi, Json
from tests.support.airflow_home import make_airflow_home
from tests.support.servers import REPOSITORY, free_port, wait_for

T = TypeVar("T")
FINISHED = {"success", "failed"}
#: The API server is up before them: they ask it as soon as they start, and give up when it is slow.
COMPONENTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}


class LiveAirflow(AirflowApi):
    """A running Airflow: its processes, its command line, and waiting for what it does.

    :ivar dags: the DAGs folder; see :meth:`add_dags`.
    :ivar environment: what every process of it has.
    """

    def __init__(self, home: Path, environment: Mapping[str, str], url: str, python: str) -> None:
        super().__init__(url)
        self.home = home
        self.dags = home / "dags"
        self.environment = dict(environment)
        self._python = python
        self._components: dict[str, psutil.Popen] = {}

    def start(self, component: str, command: Sequence[str]) -> psutil.Popen:
        """Start a component: an ``airflow`` command that goes on until :meth:`stop`."""
        with self.log(component).open("ab") as output:
            process = psutil.Popen(
                [self._python, "-m", "airflow", *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._components[component] = process
        return process

    def stop(self, *components: str) -> None:
        """End components and all processes they have started."""
        _end([self._components.pop(component) for component in components])

    def restart(self, component: str) -> None:
        """End a component and start it again."""
        self.stop(component)
        self.start(component, COMPONENTS[component])

    def stop_all(self) -> None:
        """End everything."""
        self.stop(*self._components)

    def log(self, component: str) -> Path:
        """Return where a component's output goes."""
        return self.home / f"{component}.log"

    def cli(self, *arguments: str) -> str:
        """Run an ``airflow`` command to its end and return what it printed."""
        command = [self._python, "-m", "airflow", *arguments]
        run = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL
        )
        if run.returncode:
            raise RuntimeError(f"airflow {' '.join(arguments)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
        return run.stdout

    def add_dags(self, path: Path, dag_ids: Sequence[str]) -> None:
        """Copy a DAG file into the DAGs folder and wait until its DAGs are known. They are paused.

        :param path: the file; what it imports from ``tests`` is found.
        :param dag_ids: DAGs to wait for, all of which the file must have.
        """
        shutil.copy(path, self.dags)
        self.wait(lambda: set(dag_ids) <= self._known_dags(path.name), f"DAGs {', '.join(dag_ids)}")

    def finished_runs(self, dag_id: str, count: int = 1, seconds: float = 600) -> list[Json]:
        """Wait until a DAG has ``count`` runs or more and none is under way, and return them."""

        def finished() -> list[Json]:
            runs = self.runs(dag_id)
            return runs if len(runs) >= count and {run["state"] for run in runs} <= FINISHED else []

        return self.wait(finished, f"{count} finished runs of {dag_id}", seconds)

    def finished_run(self, dag_id: str, run_id: str, seconds: float = 600) -> Json:
        """Wait until a run has ended and return it."""

        def finished() -> Json:
            run = self.run(dag_id, run_id)
            return run if run["state"] in FINISHED else {}

        return self.wait(finished, f"the end of {dag_id} {run_id}", seconds)

    def wait(self, until: Callable[[], T], what: str, seconds: float = 300) -> T:
        """Call ``until`` again and again until it returns something true.

        On a busy machine everything takes longer, so it is not the clock that ends the wait, but that nothing happens.

        :param until: what to call.
        :param what: what is waited for, for messages.
        :param seconds: how long nothing may happen; it takes ten times as long at most.
        """
        started = moved = time.monotonic()
        traces = self._traces()
        while not (found := until()):
            if dead := [name for name, process in self._components.items() if process.poll() is not None]:
                raise RuntimeError(f"{', '.join(dead)} ended while waiting for {what}.{self._complaints()}")
            now = time.monotonic()
            if traces != (traces := self._traces()):
                moved = now
            if now > min(moved + seconds, started + 10 * seconds):
                raise TimeoutError(f"No {what} within {now - started:.0f} s.{self._complaints()}")
            time.sleep(1)
        return found

    def _traces(self) -> int:
        """Return how much tasks and the DAG processor have logged, which grows as long as they get on."""
        return sum(path.stat().st_size for path in (self.home / "logs").rglob("*.log"))

    def _known_dags(self, file: str) -> set[str]:
        errors = self.api("GET", "importErrors")["import_errors"]
        if wrong := [error["stack_trace"] for error in errors if error["filename"].endswith(file)]:
            raise RuntimeError(f"{file} does not parse:\n{wrong[0]}")
        return {dag["dag_id"] for dag in self.api("GET", "dags", limit=100)["dags"]}

    def _complaints(self) -> str:
        tails = {path.name: path.read_text(errors="replace")[-2000:] for path in sorted(self.home.glob("*.log"))}
        return "".join(f"\n--- {name}\n{tail}" for name, tail in tails.items())


@contextlib.contextmanager
def live_airflow(
    home: Path,
    *,
    executor: str = "LocalExecutor",
    workers: int = 3,
    env: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> Iterator[LiveAirflow]:
    """Run an Airflow of four processes for as long as the block lasts.

    :param home: a folder for its database (SQLite), DAGs and logs.
    :param executor: how tasks run; for ``CeleryExecutor`` start a worker as well (:meth:`LiveAirflow.start`).
    :param workers: how many tasks run at once.
    :param env: environment variables for all its processes.
    :param python: the Python whose Airflow it is.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        **make_airflow_home(home, home / "dags"),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "ignore",
        "AIRFLOW__CORE__EXECUTOR": executor,
        "AIRFLOW__CORE__PARALLELISM": str(workers),
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "tests.support.sqlite.CONNECT_ARGS",
        # A slow machine is no error; and DAG files are put there by tests, which wait for them.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        **(env or {}),
    }
    airflow = LiveAirflow(home, environment, url, python)
    try:
        process = airflow.start("api-server", ["api-server"])
        wait_for(f"{url}/api/v2/monitor/health", process, airflow.log("api-server"))
        for component, command in COMPONENTS.items():
            airflow.start(component, command)
        yield airflow
    finally:
        airflow.stop_all()


def _end(processes: Sequence[psutil.Process]) -> None:
    """End processes and what they have started: Airflow puts its tasks into process groups of their own."""
    family = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += process.children(recursive=True)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                end(member)
        _, family = psutil.wait_procs(family, timeout=5)
