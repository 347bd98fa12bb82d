"""The short suite in Airflow's other versions, each in an environment of its own (``make test``)."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import version

import pytest
from packaging.version import Version

from tests.support.servers import REPOSITORY

LOCKS = {path.stem: path for path in (REPOSITORY / "tests/constraints").glob("airflow-*.txt")}
MAIN = "airflow-" + ".".join(version("apache-airflow").split(".")[:2])
LIVE = "airflow-celery"  # for whole stacks (make live)
#: The latter because connections are opened by methods of urllib3 that it may change.
SUITE = ("tests/compat", "tests/wechat/test_channel.py")


def pinned(environment):
    (pin,) = re.findall(r"^apache-airflow==(\S+)", LOCKS[environment].read_text(), re.MULTILINE)
    return pin


@pytest.mark.parametrize("environment", sorted(LOCKS.keys() - {MAIN, LIVE}))
@pytest.mark.usefixtures("bigquery_url")  # one server for all: they find it in their environment
def test_suite(environment):
    # Airflow warns when it is imported, on some versions; what the suite thinks of warnings is in its conftest.py.
    command = [
        f".venv-{environment}/bin/python",
        "-m",
        "pytest",
        *SUITE,
        "-W",
        "ignore",
        "-p",
        "no:cacheprovider",
    ]
    try:
        run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=900)
    except FileNotFoundError:
        output = f"{command[0]} is missing; 'make test' installs it."
    else:
        if run.returncode == 0:
            return
        output = run.stdout + run.stderr
    if Version(pinned(environment)).is_prerelease:
        pytest.xfail(f"Airflow {pinned(environment)} is a pre-release: {output[-1000:]}")
    pytest.fail(f"on Airflow {pinned(environment)}:\n{output}", pytrace=False)
