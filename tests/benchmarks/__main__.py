"""Run the benchmarks; see ``make bench``. With names, only those: ``python -m tests.benchmarks backfill rows``."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import time

from tests.benchmarks.measure import ROUNDS
from tests.benchmarks.report import keep, write
from tests.benchmarks.scale import __main__ as scale
from tests.support.servers import REPOSITORY

#: In this order; each is a module of this package with a function ``run(rounds)``.
NAMES = (
    "parse",
    "backfill",
    "rows",
    "transfer",
    "trace",
    "apps",
    "daily",
    "memory",
    "growth",
    "coverage",
)
#: Of each environment, what the report names.
PACKAGES = {
    ".venv": ("apache-airflow", "requests", "urllib3", "google-cloud-bigquery", "msgspec"),
    ".venv-bench-airflow": ("apache-airflow-providers-google", "apache-airflow-providers-http"),
    ".venv-bench-dlt": ("dlt",),
    ".venv-bench-airbyte": ("airbyte-cdk",),
    ".venv-bench-pandas": ("pandas",),
}


def main() -> None:
    """Measure what was asked for and write the pages."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="benchmarks; all by default")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything is measured")
    asked = parser.parse_args()
    versions = _versions()
    for name in asked.names or NAMES:
        print(f"{name} ...", flush=True)
        started = time.monotonic()
        section = importlib.import_module(f"tests.benchmarks.{name}").run(asked.rounds)
        keep(section, versions, time.monotonic() - started, asked.rounds)
        for table in section.tables:
            print(f"\n{table.markdown()}")
    scale.PAGE.write_text(scale.rendered(scale.PAGE.read_text()))
    for page in (write(NAMES), scale.PAGE):
        print(page.relative_to(REPOSITORY))


def _versions() -> dict[str, str]:
    found = {}
    for environment, names in PACKAGES.items():
        command = [str(REPOSITORY / ".venv" / "bin" / "uv"), "pip", "list", "--quiet", "--format", "json", "--python"]
        python = str(REPOSITORY / environment / "bin" / "python")
        listed = subprocess.run([*command, python], capture_output=True, text=True, check=True).stdout
        installed = {package["name"]: package["version"] for package in json.loads(listed)}
        found.update({name: installed[name] for name in names if name in installed})
    return found


if __name__ == "__main__":
    main()
