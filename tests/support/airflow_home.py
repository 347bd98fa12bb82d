"""A scratch Airflow: its own home, SQLite, a folder of DAGs. The migrated database is made once and copied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.support.servers import REPOSITORY

CACHE = REPOSITORY / ".cache"


def airflow_environment(home: Path, dags: Path) -> dict[str, str]:
    """Return the environment variables of a scratch Airflow in ``home``."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__FERNET_KEY": "",  # nothing hides in the database: the search for secrets sees all of it
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": "for-a-scratch-airflow-on-loopback-only-" * 2,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def make_airflow_home(home: Path, dags: Path) -> dict[str, str]:
    """Make a scratch Airflow with a migrated database and return its environment variables."""
    home.mkdir(parents=True, exist_ok=True)
    dags.mkdir(parents=True, exist_ok=True)
    environment = airflow_environment(home, dags)
    template = CACHE / f"airflow-{version('apache-airflow')}.db"
    if not template.exists():
        _migrate(template)
    shutil.copyfile(template, home / "airflow.db")
    return environment


def _migrate(template: Path) -> None:
    scratch = template.with_suffix(f".{os.getpid()}")
    environment = airflow_environment(scratch, scratch / "dags")
    scratch.mkdir(parents=True)
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    run = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"airflow db migrate failed:\n{run.stdout[-2000:]}{run.stderr[-4000:]}")
    os.replace(scratch / "airflow.db", template)
    shutil.rmtree(scratch)
