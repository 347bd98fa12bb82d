"""The architecture: which way imports run, what a DAG file must not load, and how large files and functions may be."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib

import pytest

from tests.support import layers
from tests.support.servers import REPOSITORY

PACKAGE = layers.PACKAGE.name
SOURCES = layers.sources()
ARROWS = layers.arrows()


def modules(room: str) -> list[str]:
    return [name for name in SOURCES if layers.room(name) == room and not name.endswith("__init__")]


#: From the ground up: a module imports only from layers below its own, or from its own room.
LAYERS = [
    {"exceptions", "get_provider_info", "supervisor", "ui"},
    {"periods"},
    {"catalogue", "folding"},
    {"endpoints"},
    {"coverage", "views", "dbt"},
    {"wechat", "bigquery"},
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
    "operators.coverage",
    "operators.views",
    "sensors.weanalysis",
    "transfers.weanalysis_to_bigquery",
    "task_groups",
    "retry_policy",
    "hooks.weanalysis",
)
#: Rooms and modules that load neither Airflow nor, except the client, the network.
PURE = (
    "exceptions",
    "periods",
    "folding",
    "endpoints",
    *modules("catalogue"),
    *modules("coverage"),
    *modules("views"),
    "wechat.records",
    "bigquery.names",
)
WITHOUT_AIRFLOW = modules("wechat")


def layer(room: str) -> int:
    (number,) = (number for number, rooms in enumerate(LAYERS) if room in rooms)
    return number


@pytest.mark.parametrize("module", SOURCES)
def test_imports_run_one_way(module: str) -> None:
    room = layers.room(module)
    targets = {layers.room(target) for target in ARROWS[module]} - {room, "__init__"}  # __init__ holds the version
    if room == "__init__":
        assert not targets
        return
    upward = [target for target in targets if layer(target) >= layer(room)]
    assert not upward, f"{module} imports what is above it or next to it: {', '.join(upward)}"


@pytest.mark.parametrize("graph", [ARROWS, layers.between_rooms(ARROWS)], ids=["files", "rooms"])
def test_there_is_no_circle(graph: layers.Graph) -> None:
    assert layers.circles(graph) == []


def test_a_circle_would_be_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str]()}
    assert layers.circles({name: frozenset(targets) for name, targets in graph.items()}) == [["b", "c"]]


def test_the_test_server_shares_no_code_with_what_it_tests() -> None:
    """It takes the catalogue's names, paths and labels, and works out everything else by itself."""
    below = {target for module in modules("testing") for target in ARROWS[module]} - set(modules("testing"))
    assert below == {"catalogue.labels", "endpoints"}


def test_files_are_short() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in SOURCES.items()}
    assert {name for name, length in lengths.items() if length > 300} == set()
    assert statistics.median(lengths.values()) < 110


def test_files_of_tests_are_short() -> None:
    paths = sorted((REPOSITORY / "tests").rglob("*.py"))
    longer = {path.name for path in paths if len(path.read_text().splitlines()) > 300}
    assert longer == set(), "split by what they show"


def test_functions_are_short() -> None:
    assert [(lines, name) for lines, name in layers.longest_functions() if lines > 50] == []


def test_the_picture_can_be_drawn() -> None:
    floors = "\n".join(layers.report()).partition("\n\n")[2].splitlines()
    assert len(floors) == len(layers.between_rooms(ARROWS))


#: What a required distribution is imported as, where it is not by its own name; what only comes with other things.
IMPORTED_AS = {"apache-airflow": "airflow", "google-cloud-bigquery": "google"}
OPTIONAL = {"flask_appbuilder", "wtforms", "pytest"}


def test_every_library_is_a_declared_dependency() -> None:
    used = set()
    for path in SOURCES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add((node.module or "").split(".")[0])
    required = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    assert all(">=" in line and "<" not in line for line in required), "bounded below, and not above"
    names = {re.split(r"[^\w-]", line)[0] for line in required}
    declared = {IMPORTED_AS.get(name, name) for name in names} - {"apache-airflow-providers-common-compat"}
    assert used - sys.stdlib_module_names - OPTIONAL - {PACKAGE} == declared


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    return done.stdout


def test_the_core_is_pure_and_the_client_needs_no_airflow() -> None:
    """One process for both, as the core is loaded first."""
    core, client = (", ".join(f"{PACKAGE}.{name}" for name in names) for names in (PURE, WITHOUT_AIRFLOW))
    first, then = run(f"import sys, {core}\nprint(*sys.modules)\nimport {client}\nprint(*sys.modules)").splitlines()
    assert not set(first.split()) & {"airflow", "requests", "google.cloud", "urllib3", "socket"}
    assert "airflow" not in then.split()


def test_dag_files_load_nothing_heavy() -> None:
    loaded = run(f"import sys, {', '.join(f'{PACKAGE}.{name}' for name in IN_DAG_FILES)}\nprint(*sys.modules)").split()
    assert not set(loaded) & {"google.cloud", "google.auth", "requests", "pandas", "pyarrow"}
