"""A task that is told to end does so at once, and what it has running on BigQuery ends with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.ending.matrix import CELLS, DAG_FILE, PATIENCE, Laboratory
from tests.support.airflow_home import make_airflow_home

# Minutes long, so on the main Airflow and on the one that ends its tasks in another way.
ENVIRONMENTS = (".venv", ".venv-airflow-2.11")
pytestmark = pytest.mark.skipif(Path(sys.prefix).name not in ENVIRONMENTS, reason="seen on Airflow 2.11 and 3.3")

#: Half of the shortest wait, for a busy machine; in seconds.
AT_ONCE = 30.0


@pytest.fixture
def airflow_task(wechat_server, connect, dataset, tmp_path):
    """Start a real run of the load; ``timeout`` is its execution_timeout in seconds."""
    connect(wechat_server, timeout=600)
    home = make_airflow_home(tmp_path / "airflow", tmp_path / "dags")
    shutil.copy(DAG_FILE, tmp_path / "dags")
    started = []

    def start(timeout=None):
        env = {
            **os.environ,
            **home,
            "ENDING_TASK": "weanalysis_default",
            "ENDING_TIMEOUT": str(timeout or ""),
            "ENDING_DATES": json.dumps(["2026-03-01", "2026-03-02"]),
            "ENDING_MOMENTS": str(tmp_path / "moments"),
            "ENDING_TABLE": f"{dataset}.t",
            "PYTHONWARNINGS": "ignore",
        }
        command = [sys.executable, "-m", "airflow", "dags", "test", "weanalysis_ending"]
        with (tmp_path / "log").open("wb") as log:
            started.append(subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    if started:
        print((tmp_path / "log").read_text()[-6000:])


@pytest.fixture
def slow_merge(proxy):
    """A MERGE that runs for hours, unless it is cancelled; set when it has begun, and when it is cancelled."""
    begun, cancelled = threading.Event(), threading.Event()

    def rule(exchange):
        path = exchange.path.split("?")[0]
        if exchange.sql.startswith("MERGE"):
            begun.set()
            return None
        if path.endswith("/cancel"):
            cancelled.set()
            return 200, {"kind": "bigquery#jobCancelResponse", "job": {}}
        if begun.is_set() and "/queries/" in path:
            time.sleep(1)
            return 200, {"jobComplete": False, "jobReference": {"projectId": "test-project", "jobId": "job"}}
        return None

    proxy.rules.append(rule)
    return begun, cancelled


def test_a_time_out_cancels_the_statement(airflow_task, slow_merge):
    begun, cancelled = slow_merge
    task = airflow_task(timeout=45)
    assert cancelled.wait(PATIENCE)
    assert begun.is_set()
    task.wait(PATIENCE)


def test_sigterm_cancels_the_statement(airflow_task, slow_merge):
    begun, cancelled = slow_merge
    task = airflow_task()
    assert begun.wait(PATIENCE)
    task.send_signal(signal.SIGTERM)
    assert cancelled.wait(PATIENCE)
    task.wait(PATIENCE)


@pytest.fixture(scope="module")
def laboratory(bigquery_url, project):
    with Laboratory(f"{project}.ending.loads") as running:
        yield running


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.task_id)
def test_a_load_ends_at_its_wait(laboratory, cell):
    """The shortest wait is the minute after 45011; tests/ending/README.md has what it takes."""
    assert laboratory.seconds(cell) < AT_ONCE
