"""What a DAG file costs that uses this package, which Airflow pays every 30 seconds, forever."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from typing import Any

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.benchmarks.measure import Program, Rounds, Spread, figure, in_turns, ratio
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.house.test_imports import IN_DAG_FILES
from tests.support.servers import REPOSITORY

ENVIRONMENT = ".venv-bench-airflow"
PACKAGE = "airflow_provider_wxanalysis"
DAGS = 50
#: What users and Airflow import; the rest of the package comes in when a task runs.
PUBLIC = [
    f"{PACKAGE}.{name}"
    for name in (
        *IN_DAG_FILES,
        "triggers.weanalysis",
        "links.weanalysis",
        "ui.plugin",
        "endpoints",
        "periods",
        "exceptions",
        "get_provider_info",
    )
]
EVERYTHING = "all of these together"
GOOGLE = "airflow.providers.google.cloud.transfers.gcs_to_bigquery"
HTTP = "airflow.providers.http.operators.http"
EMPTY_OPERATOR, HTTP_OPERATOR = "EmptyOperator", "HttpOperator"
#: Names that the program knows. All are in the table; the picture has room for these.
PICTURED = (EMPTY_OPERATOR, "WeAnalysisToBigQueryOperator", HTTP_OPERATOR, "GCSToBigQueryOperator")
OPERATORS = (
    *PICTURED,
    "WeAnalysisToBigQueryOperator, unchecked",
    "WeAnalysisVisitPageOperator",
    "WeAnalysisDataSensor",
    "BaseSensorOperator",
    "HttpSensor",
    "EmptyOperator, asset",
    "WeAnalysisToBigQueryOperator, asset",
)
TEXT = f"""\
The floor is a fresh process that has imported `DAG` from `airflow.sdk` and EmptyOperator, as any DAG file does. Modules
are imported on top of it, each in a process of its own; memory is what the process holds more than before. Parsing is
executing a file of {DAGS} DAGs with {len(ENDPOINTS)} tasks each: the first time with the operator's import, then, under
other names, five times without, of which the fastest counts. All bytecode is compiled beforehand. Times are CPU time.
"Asset" means that each task has its table as outlet, as this package's tasks have where the table is spelled out: for
the first asset with a scheme Airflow imports the Google provider's file hooks if that provider is installed, whoever's
operator it is. Targets: everything public together within 5 % of the floor's time and 2 MB; a load no more than 1.35
times EmptyOperator and no more than HttpOperator, a sensor no more than HttpSensor; no google, requests, pandas.
BaseSensorOperator, which every sensor builds upon, shows what Airflow itself takes for one, and "unchecked" the load
without the checks of its arguments. Both targets of the load are missed: about half of what it takes above
EmptyOperator are these checks; the other half is Airflow's `__setattr__`, which runs for each of the 22 arguments that
a load stores (HttpOperator: 19), and its search through the nine that are templated (four)."""


def run(rounds: int) -> Section:
    """Measure."""
    python = REPOSITORY / ENVIRONMENT / "bin" / "python"
    subprocess.run([str(python), "-m", "compileall", "-q", PACKAGE, "tests/benchmarks"], cwd=REPOSITORY, check=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        _parsed({"AIRFLOW_HOME": home}, 1)  # so that all files are in the system's cache
        imported = _imported({"AIRFLOW_HOME": home}, rounds)
        parsed = _parsed({"AIRFLOW_HOME": home}, rounds)
    groups = {
        title: {operator: bar(_milliseconds(parsed, operator, f"{name}_cpu")) for operator in PICTURED}
        for name, title in {"first": "with imports", "again": "again"}.items()
    }
    title = f"Parsing {DAGS} DAGs x {len(ENDPOINTS)} tasks"
    picture = Bars("parse", title, "milliseconds", groups)
    return Section("parse", "Parsing DAG files", TEXT, [_imports(imported), _files(title, parsed)], [picture])


def _imported(env: dict[str, str], rounds: int) -> Rounds:
    wanted = {**{name: [name] for name in PUBLIC}, EVERYTHING: PUBLIC, HTTP: [HTTP], GOOGLE: [GOOGLE]}
    asked = {label: {"modules": modules} for label, modules in wanted.items()}
    return _ask("import_module", asked, env, rounds)


def _parsed(env: dict[str, str], rounds: int) -> Rounds:
    asked = {name: {"operator": name, "dags": DAGS, "endpoints": list(ENDPOINTS)} for name in OPERATORS}
    return _ask("parse_dags", asked, env, rounds)


def _ask(module: str, asked: dict[str, dict[str, Any]], env: dict[str, str], rounds: int) -> Rounds:
    """Ask one program everything, in turns."""
    program = Program(module, module, ENVIRONMENT)
    return in_turns({label: functools.partial(program.run, one, env) for label, one in asked.items()}, rounds)


def _imports(found: Rounds) -> Table:
    table = Table(
        "Imports on top of airflow.sdk",
        ["module", "ms", "% of airflow.sdk's time", "MB", "modules", "heavy among them"],
    )
    floors = [figures["floor"] for list_ in found.values() for figures in list_]
    cpu, memory = (Spread(tuple(floor[name] for floor in floors)) for name in ("cpu", "memory"))
    table.rows.append(["airflow.sdk itself", f"{_times(cpu, 1000):.0f}", "100", f"{memory:.1f}", "", ""])
    for label, rounds in found.items():
        table.rows.append(
            [
                label.replace(f"{PACKAGE}.", ""),
                f"{_milliseconds(found, label, 'cpu'):.1f}",
                f"{_times(figure(found, label, 'share'), 100):.1f}",
                f"{figure(found, label, 'memory'):.1f}",
                str(rounds[0]["modules"]),
                ", ".join(rounds[0]["heavy"]) or "none",
            ]
        )
    return table


def _files(title: str, found: Rounds) -> Table:
    table = Table(
        title,
        [
            "operator",
            "ms, with imports",
            "ms, again",
            "us per task, again",
            "again / EmptyOperator",
            "again / HttpOperator",
            "MB, with imports",
            "MB, again",
        ],
    )
    for label in found:
        again = _milliseconds(found, label, "again_cpu")
        table.rows.append(
            [
                label,
                f"{_milliseconds(found, label, 'first_cpu'):.0f}",
                f"{again:.0f}",
                f"{_times(again, 1000 / DAGS / len(ENDPOINTS)):.0f}",
                *(f"{ratio(found, label, other, 'again_cpu')}" for other in (EMPTY_OPERATOR, HTTP_OPERATOR)),
                f"{figure(found, label, 'first_memory'):.1f}",
                f"{figure(found, label, 'again_memory'):.1f}",
            ]
        )
    return table


def _milliseconds(found: Rounds, label: str, name: str) -> Spread:
    return _times(figure(found, label, name), 1000)


def _times(spread: Spread, factor: float) -> Spread:
    return Spread(tuple(value * factor for value in spread.values))
