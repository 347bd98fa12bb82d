"""Import Airflow as every DAG file does, then modules on top of it."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

HEAVY = ("google", "requests", "pandas", "pyarrow", "tenacity", "urllib3")
PAGE = 4096 / 2**20


def resident() -> float:
    """Return the memory that this process holds now, in MB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@contextmanager
def weighed(figures: Figures) -> Iterator[None]:
    """Add time and memory of the block to ``figures``."""
    before = resident()
    with clock(figures):
        yield
    figures["memory"] = resident() - before


def import_airflow() -> None:
    """Import what a DAG with EmptyOperator needs."""
    from airflow.providers.standard.operators.empty import EmptyOperator  # noqa: F401
    from airflow.sdk import DAG  # noqa: F401


def main() -> None:
    """Measure."""
    asked = arguments()
    floor: Figures = {}
    with weighed(floor):
        import_airflow()
    known = set(sys.modules)  # .pth files of google's namespaces put empty modules there at the start
    figures: Figures = {"floor": floor}
    with weighed(figures):
        for module in asked["modules"]:
            importlib.import_module(module)
    new = set(sys.modules) - known
    figures["heavy"] = [name for name in HEAVY if any(f"{module}.".startswith(f"{name}.") for module in new)]
    figures["modules"] = len(new)
    figures["share"] = figures["cpu"] / floor["cpu"]
    report(figures)


if __name__ == "__main__":
    main()
