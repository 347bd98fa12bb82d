"""What this version of Airflow finds out about the provider, and what it costs a DAG file to import it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException
from packaging.version import Version

import airflow_provider_wxanalysis as package
from airflow_provider_wxanalysis.get_provider_info import get_provider_info

INFO = get_provider_info()
NAME = INFO["package-name"]
#: Modules for what not everybody has: Airflow 3.3, the OpenLineage provider.
OPTIONAL = {f"{package.__name__}.retry_policy", f"{package.__name__}.tasks.lineage"}
ALL = {module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")}
MODULES = sorted(ALL - OPTIONAL)
#: Modules that a DAG file imports.
KINDS = ("operators", "sensors", "hooks", "triggers")
LIGHT = [module for kind in KINDS for part in INFO[kind] for module in part["python-modules"]]
LIGHT += [transfer["python-module"] for transfer in INFO["transfers"]] + [f"{package.__name__}.task_groups"]
HEAVY = {"google", "requests", "pandas", "pyarrow"}

#: Several commands in one process, because importing Airflow is most of what one takes; verbose ones show warnings.
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
    rows: dict[str, Any] = {}
    remarks = done.stderr.splitlines()
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


@pytest.mark.skipif(Version(version("apache-airflow")) >= Version("3.3"), reason="this Airflow has retry policies")
def test_the_retry_policy_says_which_airflow_it_needs():
    with pytest.raises(AirflowOptionalProviderFeatureException, match=r"needs Airflow 3\.3 or later"):
        importlib.import_module(f"{package.__name__}.retry_policy")


def test_a_dag_file_pulls_in_nothing_heavy():
    """Airflow parses DAG files again and again; what it has loaded itself costs nothing more."""
    done = run(f"""
import sys
from airflow.providers.common.compat.sdk import DAG, BaseHook, BaseOperator, BaseSensorOperator
before = set(sys.modules)
import {", ".join(LIGHT)}
print(*set(sys.modules) - before)
""")
    loaded = set(done.stdout.split())
    assert set(LIGHT) <= loaded
    assert {module for module in loaded if module.split(".")[0] in HEAVY} == set()
