"""Two mistakes in what Airflow discovers take a whole deployment down: here they are seen to, and we make neither."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support.servers import REPOSITORY

PACKAGE = "airflow_provider_wxanalysis"
DISTRIBUTION = {
    "METADATA": "Metadata-Version: 2.1\nName: airflow-provider-wxanalysis\nVersion: 0\n",
    "entry_points.txt": f"[apache_airflow_provider]\ninfo = {PACKAGE}.get_provider_info:get_provider_info\n",
}
START = f"""
from airflow.sdk import BaseOperator
import {PACKAGE}
print({PACKAGE}.__file__)
"""


def start_airflow(folder, module, mistake):
    """Import Airflow with a copy of this package, in which ``mistake`` has been made, installed before the real one."""
    shutil.copytree(REPOSITORY / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / PACKAGE / module
    path.write_text(mistake(path.read_text()))
    info = folder / f"{PACKAGE}-0.dist-info"
    info.mkdir()
    for name, text in DISTRIBUTION.items():
        (info / name).write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", START]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)


def test_airflow_starts_with_this_package(tmp_path):
    run = start_airflow(tmp_path, "__init__.py", lambda source: source)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(tmp_path / PACKAGE / "__init__.py")


def renamed(source):
    return source.replace('"airflow-provider-wxanalysis"', f'"{PACKAGE}"')


def importing_airflow(source):
    return f"{source}\nfrom airflow.configuration import conf\n"


@pytest.mark.parametrize(
    ("module", "mistake", "error"),
    [
        ("get_provider_info.py", renamed, "ValueError: The package 'airflow-provider-wxanalysis' .* do not match"),
        ("get_provider_info.py", importing_airflow, "ImportError: .* partially initialized module"),
        ("__init__.py", importing_airflow, "ImportError: .* partially initialized module"),
    ],
)
def test_airflow_does_not_start_with_a_mistake(tmp_path, module, mistake, error):
    run = start_airflow(tmp_path, module, mistake)
    assert run.returncode == 1
    assert re.search(error, run.stderr), run.stderr
