"""A task that is told to end does so at once, and what it has running on BigQuery ends with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from airflow_provider_wxanalysis.testing import faults
from tests.support.airflow_home import make_airflow_home

# Minutes long, so on the main Airflow and on the one that ends its tasks in another way.
ENVIRONMENTS = (".venv", ".venv-airflow-2.11")
pytestmark = pytest.mark.skipif(Path(sys.prefix).name not in ENVIRONMENTS, reason="seen on Airflow 2.11 and 3.3")

DAG_FILE = Path(__file__).parent / "dags" / "weanalysis_ending.py"
#: Airflow itself takes its time to start and to end; what is waited for here would take hours.
PATIENCE = 300
HOURS = 7200


@pytest.fixture
def airflow_task(wechat_server, connect, dataset, tmp_path):
    """Start a real run of the load; ``timeout`` is its execution_timeout in seconds."""
    connect(wechat_server, timeout=600)
    home = make_airflow_home(tmp_path / "airflow", tmp_path / "dags")
    shutil.copy(DAG_FILE, tmp_path / "dags")
    started = []

    def start(timeout=None):
        env = {**os.environ, **home, "ENDING_TABLE": f"{dataset}.t", "PYTHONWARNINGS": "ignore"}
        if timeout:
            env["ENDING_TIMEOUT"] = str(timeout)
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


@pytest.mark.parametrize("how", ["time-out", "SIGTERM"])
def test_a_wechat_that_does_not_answer_is_left_alone(airflow_task, wechat_server, how):
    wechat_server.faults.add(faults.hang(HOURS), endpoint="daily_summary", times=None)
    task = airflow_task(timeout=45 if how == "time-out" else None)
    if how == "SIGTERM":
        ends = time.monotonic() + PATIENCE
        while not wechat_server.count("token") and time.monotonic() < ends:
            time.sleep(0.2)
        time.sleep(1)  # from the token to the call for figures
        task.send_signal(signal.SIGTERM)
    task.wait(PATIENCE)
