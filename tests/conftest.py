"""Real things for the tests: a scratch Airflow, a BigQuery server, a WeChat server."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wxanalysis.catalogue.columns import LOAD
from airflow_provider_wxanalysis.testing import ApiSecurity
from tests.support.airflow_home import make_airflow_home
from tests.support.contexts import run_context as run_context
from tests.support.live_airflow import LiveAirflow, live_airflow
from tests.support.proxy import Proxy, recording_proxy
from tests.support.servers import local_bigquery

# Airflow reads its environment when it is imported, and test modules import it: so before anything else.
HOME = Path(tempfile.mkdtemp(prefix="weanalysis-tests-"))
os.environ.update(make_airflow_home(HOME / "airflow", HOME / "dags"))

pytest_plugins = [
    "airflow_provider_wxanalysis.testing.pytest_plugin",
    "tests.support.canary",
    "tests.support.dag_runs",
    "tests.support.figures",
    "tests.support.hooks",
]

#: Set to a project with billing to run the same tests on real BigQuery, with Application Default Credentials.
REAL_PROJECT = os.environ.get("WEANALYSIS_TEST_BIGQUERY_PROJECT")
APPS = ("wx00000000000000a1", "wx00000000000000b2")


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("hypothesispytest"):  # the environments of other versions do without
        from hypothesis import settings

        settings.load_profile("ci")  # the same examples in every run, however slow the machine is


def pytest_sessionfinish() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def forget_what_was_masked() -> Iterator[None]:
    """With each new secret Airflow compiles the pattern of all before it: in seconds, after some hundred tests."""
    yield
    for name in ("airflow._shared.secrets_masker", "airflow.sdk._shared.secrets_masker"):
        if masker := sys.modules.get(name):
            masker.reset_secrets_masker()


@pytest.fixture(scope="session")
def bigquery_url(project: str) -> Iterator[str | None]:
    """The BigQuery that the tests write to: one that runs already, or a new one; ``None`` for the real one."""
    if REAL_PROJECT or "BIGQUERY_EMULATOR_HOST" in os.environ:
        yield None if REAL_PROJECT else os.environ["BIGQUERY_EMULATOR_HOST"]
        return
    with local_bigquery(HOME / "bigquery", project) as url:
        os.environ["BIGQUERY_EMULATOR_HOST"] = url
        yield url


@pytest.fixture(scope="session")
def project() -> str:
    return REAL_PROJECT or "test-project"


@pytest.fixture(scope="session")
def bq(bigquery_url: str | None, project: str) -> Iterator[Any]:
    """A client to look at what was written."""
    from airflow_provider_wxanalysis.bigquery.clients import bigquery_client

    client = bigquery_client(
        gcp_conn_id=None, project_id=project, fallback_project=project, location=None, impersonation_chain=None
    )
    yield client
    client.close()


@pytest.fixture
def dataset(bq: Any, project: str) -> Iterator[str]:
    """A dataset of the test's own: ``project.dataset``."""
    name = f"{project}.t_{uuid.uuid4().hex[:12]}"
    bq.create_dataset(name)
    yield name
    bq.delete_dataset(name, delete_contents=True, not_found_ok=True)


@pytest.fixture
def proxy(bigquery_url: str | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A recording proxy that the transfer's client goes through."""
    if bigquery_url is None:
        pytest.skip("the proxy stands in front of the local server only")
    with recording_proxy(bigquery_url) as running:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", running.url)
        yield running


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort rows by all their values."""
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])


@pytest.fixture
def read(bq: Any) -> Callable[..., list[dict[str, Any]]]:
    """Read a table back, without load columns, in an order of its own."""

    def rows(table: str, *, load_columns: bool = False) -> list[dict[str, Any]]:
        found = [dict(row) for row in bq.query_and_wait(f"SELECT * FROM `{table}`")]
        for row in found:
            for name in ("begin_date", "end_date"):
                row[name] = row[name].isoformat()
            if not load_columns:
                for column in LOAD:
                    del row[column.name]
        return in_order(found)

    return rows


@pytest.fixture(scope="session")
def live(bigquery_url: str | None) -> Iterator[LiveAirflow]:
    """A whole Airflow, with the BigQuery that the tests write to. It takes half a minute to start, once."""
    with live_airflow(HOME / "live", env={"BIGQUERY_EMULATOR_HOST": bigquery_url} if bigquery_url else {}) as airflow:
        yield airflow


@pytest.fixture(scope="session")
def api_security() -> ApiSecurity:
    """Keys of accounts with API security, made once: RSA keys take their time. Who changes them makes new ones."""
    return ApiSecurity()


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """What was logged so far, operators' and hooks' own lines included, which Airflow 3 prints by itself."""
    caplog.set_level(logging.INFO)
    return lambda: "".join(capsys.readouterr()) + caplog.text


@pytest.fixture
def wechat_server_options() -> dict[str, Any]:
    """Publish at midnight, or tests would fail every morning in Beijing."""
    return {"published_at": dt.time(0)}


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make an Airflow connection to a WeChat server and return its id."""

    def make(server: Any, appid: str = APPS[0], conn_id: str = "weanalysis_default", **extra: Any) -> str:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(server.connection(appid, **extra)))
        return conn_id

    return make
