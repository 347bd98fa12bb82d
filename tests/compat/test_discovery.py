"""What this version of Airflow finds out about the provider, and what it costs a DAG file to import it."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from importlib.resources import files

import jsonschema
import pytest

import airflow_provider_wxanalysis as package
from airflow_provider_wxanalysis.get_provider_info import get_provider_info

INFO = get_provider_info()
MODULES = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
#: Modules that tasks import when they run; all others a DAG file may import.
AT_RUN_TIME = tuple(f"{package.__name__}.{name}" for name in ("bigquery", "hooks.transport", "testing"))
HEAVY = {"google", "requests", "pandas", "pyarrow"}

#: Several commands in one process, because importing Airflow is most of what one takes.
COMMANDS = """
import sys
from airflow.__main__ import main

for command in sys.argv[1:]:
    print(f"$ {command}", flush=True)
    sys.argv = ["airflow", "providers", *command.split(), "--output", "json"]
    main()
"""


def run(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_provider_info_is_valid():
    schema = json.loads((files("airflow") / "provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


def test_airflow_shows_the_provider():
    name, (connection,) = INFO["package-name"], INFO["connection-types"]
    commands = ["list", f"get {name}", "hooks", "behaviours"]
    done = run(COMMANDS, *commands)
    shown, remarks = {}, done.stderr.splitlines()
    for line in done.stdout.splitlines():
        if line.startswith("$ "):
            command = line[2:]
        elif line.startswith("[{"):
            shown[command] = json.loads(line)
        else:
            remarks.append(line)
    assert [line for line in remarks if "weanalysis" in line or "wxanalysis" in line] == [], "Airflow is content"

    (listed,) = [row for row in shown["list"] if row["package_name"] == name]
    assert listed["version"] == package.__version__
    assert shown[f"get {name}"] == [{"Provider": name, "Version": package.__version__}]
    (hook,) = [row for row in shown["hooks"] if row["connection_type"] == connection["connection-type"]]
    assert hook == {
        "connection_type": "weanalysis",
        "class": connection["hook-class-name"],
        "conn_id_attribute_name": "weanalysis_conn_id",
        "package_name": name,
        "hook_name": connection["hook-name"],
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_module_imports(module):
    __import__(module)


def test_a_dag_file_pulls_in_nothing_heavy():
    """Airflow parses DAG files again and again; what it has loaded itself costs nothing more."""
    light = [module for module in MODULES if not module.startswith(AT_RUN_TIME)]
    assert f"{package.__name__}.transfers.weanalysis_to_bigquery" in light
    done = run(f"""
import sys
from airflow.providers.common.compat.sdk import DAG, BaseHook, BaseOperator, BaseSensorOperator
before = set(sys.modules)
import {", ".join(light)}
print(*set(sys.modules) - before)
""")
    loaded = set(done.stdout.split())
    assert set(light) <= loaded
    assert {module for module in loaded if module.split(".")[0] in HEAVY} == set()
