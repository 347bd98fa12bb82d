"""The architecture: which way imports run, and what a DAG file must not pull in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import requires

import pytest

from tests.support.servers import REPOSITORY

PACKAGE = "airflow_provider_wxanalysis"
FILES = sorted((REPOSITORY / PACKAGE).rglob("*.py"))


def modules(room):
    return [f"{room}.{path.stem}" for path in sorted((REPOSITORY / PACKAGE / room).glob("[!_]*.py"))]


#: From the ground up: a module imports only from layers below its own, or from its own room.
LAYERS = [
    {"exceptions", "get_provider_info"},
    {"periods"},
    {"catalogue"},
    {"endpoints"},
    {"wechat", "bigquery", "coverage"},
    {"hooks"},
    {"triggers", "links"},
    {"tasks"},
    {"operators", "sensors", "transfers", "retry_policy"},
    {"task_groups"},
    {"testing"},
]
#: What DAG files import.
IN_DAG_FILES = (
    "operators.weanalysis",
    "sensors.weanalysis",
    "transfers.weanalysis_to_bigquery",
    "task_groups",
    "retry_policy",
    "hooks.weanalysis",
)
#: Rooms and modules that load neither Airflow nor, but for the client, the network.
PURE = (
    "exceptions",
    "periods",
    "endpoints",
    *modules("catalogue"),
    *modules("coverage"),
    "wechat.records",
    "bigquery.names",
)
WITHOUT_AIRFLOW = modules("wechat")


def layer(name):
    (number,) = (number for number, names in enumerate(LAYERS) if name in names)
    return number


def part(path):
    relative = path.relative_to(REPOSITORY / PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports(path):
    """Modules of this package that a file imports; imports for types only do not count."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            names = node.module.split(".")[1:2] or [alias.name for alias in node.names]
            yield from names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY / PACKAGE)))
def test_imports_run_one_way(path):
    own = part(path)
    if own == "__init__":
        assert list(imports(path)) == []
        return
    for name in imports(path):
        if name not in (own, "__version__"):
            assert layer(name) < layer(own), f"{own} imports {name}"


#: What a required distribution is imported as, where it is not by its own name; what only comes with other things.
IMPORTED_AS = {"apache-airflow": "airflow", "google-cloud-bigquery": "google"}
OPTIONAL = {"flask_appbuilder", "wtforms", "pytest", "orjson"}


def test_every_library_is_a_declared_dependency():
    used = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add((node.module or "").split(".")[0])
    everything = requires("airflow-provider-wxanalysis")
    assert any(re.fullmatch(r"orjson>=\S+ ?; extra == .orjson.", line) for line in everything)
    required = [line for line in everything if "extra ==" not in line]
    assert all(">=" in line and "<" not in line for line in required), "bounded below, and not above"
    names = {re.match(r"[\w-]+", line)[0] for line in required}
    declared = {IMPORTED_AS.get(name, name) for name in names} - {"apache-airflow-providers-common-compat"}
    assert used - sys.stdlib_module_names - OPTIONAL - {PACKAGE} == declared


def loaded_by(*modules):
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_core_is_pure():
    loaded = loaded_by(*(f"{PACKAGE}.{name}" for name in PURE))
    assert not loaded & {"airflow", "requests", "google.cloud", "urllib3", "socket"}


def test_the_client_needs_no_airflow():
    assert "airflow" not in loaded_by(*(f"{PACKAGE}.{name}" for name in WITHOUT_AIRFLOW))


@pytest.mark.parametrize("module", IN_DAG_FILES)
def test_a_dag_file_pulls_in_nothing_heavy(module):
    assert not loaded_by(f"{PACKAGE}.{module}") & {"google.cloud", "google.auth", "requests", "pandas", "pyarrow"}
