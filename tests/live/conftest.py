"""Live stacks: tasks side by side in the scheduler's own processes, or on a Celery worker."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wxanalysis.testing import WeChatServer
from tests.conftest import APPS, HOME
from tests.support.live_airflow import LiveAirflow, live_airflow
from tests.support.servers import REPOSITORY, free_port, running

CELERY_PYTHON = REPOSITORY / ".venv-airflow-celery" / "bin" / "python"
DAGS = Path(__file__).with_name("dags.py")
DAG_IDS = ["live_everything", "live_backfill", "live_fleet"]


@pytest.fixture(scope="module")
def wechat() -> Iterator[WeChatServer]:
    with WeChatServer(published_at=dt.time(0), latency=0.05, journal_size=None) as server:
        yield server


@pytest.fixture(scope="module", params=["LocalExecutor", "CeleryExecutor"])
def stack(
    request: pytest.FixtureRequest, wechat: WeChatServer, bq: Any, project: str
) -> Iterator[tuple[LiveAirflow, str]]:
    """A live Airflow that knows both apps and a pool; and the dataset it loads into."""
    dataset = f"{project}.live_{request.param.lower()}"
    bq.create_dataset(dataset)
    with contextlib.ExitStack() as exits:
        if request.param == "LocalExecutor":
            airflow = request.getfixturevalue("live")
        else:
            airflow = exits.enter_context(_celery_stack(request.getfixturevalue("bigquery_url")))
        airflow.connect("weanalysis_shop", wechat.connection(APPS[0]))
        airflow.connect("weanalysis_magazine", wechat.connection(APPS[1]))
        airflow.connect("weanalysis_fleet", {**wechat.connection(APPS[0], auth="central"), "login": ""})
        airflow.api("POST", "pools", {"name": "weanalysis", "slots": 8})
        airflow.set_variable("weanalysis_dataset", dataset)
        airflow.add_dags(DAGS, DAG_IDS)
        yield airflow, dataset
    bq.delete_dataset(dataset, delete_contents=True)


@contextlib.contextmanager
def _celery_stack(bigquery_url: str | None) -> Iterator[LiveAirflow]:
    redis_server = shutil.which("redis-server")
    if redis_server is None:
        pytest.skip("redis-server is missing: apt-get install redis-server")
    if not CELERY_PYTHON.exists():
        pytest.skip(".venv-airflow-celery is missing: make live installs it")
    home, port = HOME / "celery", free_port()
    home.mkdir()
    command = [redis_server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(home)]
    env = {
        "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"redis://127.0.0.1:{port}/1",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "3",
    }
    if bigquery_url:
        env["BIGQUERY_EMULATOR_HOST"] = bigquery_url
    with (
        running(command, home / "redis.log"),
        live_airflow(home, executor="CeleryExecutor", env=env, python=str(CELERY_PYTHON)) as airflow,
    ):
        airflow.start("celery-worker", ["celery", "worker", "--skip-serve-logs"])
        yield airflow
