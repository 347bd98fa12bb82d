"""What this version of Airflow finds out about the provider, and what it costs a DAG file to import it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from importlib.resources import files

import jsonschema
import pytest

import airflow_provider_wxanalysis as package
from airflow_provider_wxanalysis.get_provider_info import get_provider_info

INFO = get_provider_info()
NAME = INFO["package-name"]
MODULES = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
#: Modules that tasks import when they run; all others a DAG file may import.
AT_RUN_TIME = tuple(f"{package.__name__}.{name}" for name in ("bigquery", "hooks.transport", "testing"))
HEAVY = {"google", "requests", "pandas", "pyarrow"}

#: Several commands in one process, because importing Airflow is most of what one takes; verbose ones tell of warnings.
COMMANDS = """
import sys
from airflow.__main__ import main

for command in sys.argv[1:]:
    print(f"$ {command}", flush=True)
    sys.argv = ["airflow", "providers", *command.split(), "--output", "json", "--verbose"]
    main()
"""


def run(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_provider_info_is_valid():
    schema = json.loads((files("airflow") / "provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


@pytest.fixture(scope="module")
def shown():
    """What ``airflow providers`` shows: command -> rows, and under ``remarks`` whatever else it prints about us."""
    done = run(COMMANDS, "list", f"get {NAME}", "hooks", "links", "triggers")
    rows, remarks = {}, done.stderr.splitlines()
    for line in done.stdout.splitlines():
        if line.startswith("$ "):
            command = line[2:]
            rows[command] = []
        elif line.startswith("[{"):
            rows[command] = json.loads(line)
        else:
            remarks.append(line)
    # Where the form needs packages that Airflow does not, it says so of every hook, by the way.
    own = [line for line in remarks if "wxanalysis" in line and not re.search(r"\binfo\b", line, re.IGNORECASE)]
    return {**rows, "remarks": own}


def test_airflow_shows_the_provider(shown):
    (listed,) = [row for row in shown["list"] if row["package_name"] == NAME]
    assert listed["version"] == package.__version__
    assert shown[f"get {NAME}"] == [{"Provider": NAME, "Version": package.__version__}]


def test_airflow_shows_the_hook(shown):
    (connection,) = INFO["connection-types"]
    (hook,) = [row for row in shown["hooks"] if row["connection_type"] == connection["connection-type"]]
    assert hook == {
        "connection_type": "weanalysis",
        "class": connection["hook-class-name"],
        "conn_id_attribute_name": "weanalysis_conn_id",
        "package_name": NAME,
        "hook_name": connection["hook-name"],
    }


def test_airflow_shows_links_and_triggers(shown):
    assert set(INFO.get("extra-links", [])) <= {row["extra_link_class_name"] for row in shown["links"]}
    triggers = {module for trigger in INFO.get("triggers", []) for module in trigger["python-modules"]}
    assert triggers == {row["class"] for row in shown["triggers"] if row["package_name"] == NAME}


def test_airflow_has_nothing_to_remark(shown):
    assert shown["remarks"] == []


def test_every_module_imports():
    for module in MODULES:
        importlib.import_module(module)


def test_a_dag_file_pulls_in_nothing_heavy():
    """Airflow parses DAG files again and again; what it has loaded itself costs nothing more."""
    light = [module for module in MODULES if not module.startswith(AT_RUN_TIME)]
    done = run(f"""
import sys
from airflow.providers.common.compat.sdk import DAG, BaseHook, BaseOperator, BaseSensorOperator
before = set(sys.modules)
import {", ".join(light)}
print(*set(sys.modules) - before)
""")
    loaded = set(done.stdout.split())
    assert light[-1] in loaded
    assert {module for module in loaded if module.split(".")[0] in HEAVY} == set()
