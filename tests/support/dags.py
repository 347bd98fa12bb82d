"""Running DAG files for real, by ``dag.test()``, on whatever Airflow is installed."""

from __future__ import annotations

import datetime as dt
import inspect
import shutil
from pathlib import Path
from typing import Any


def dag_bag(path: Path) -> Any:
    """Parse a DAG file, or a folder of them, as Airflow does."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before 3.2
        from airflow.models.dagbag import DagBag
    return DagBag(path)


def run_dag_file(path: Path, dags: Path, date: dt.datetime, **options: Any) -> dict[tuple[str, int], str]:
    """Run a DAG file's one DAG for a logical date and return its tasks' states: (task id, map index) -> state.

    :param path: the file.
    :param dags: the scratch Airflow's folder of DAGs, where the file becomes the only one; Airflow 3.1 and later run
        no DAG from elsewhere.
    :param options: more for ``dag.test()``.
    """
    for old in dags.glob("*.py"):
        old.unlink()
    shutil.copy(path, dags)
    bag = dag_bag(dags)
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    date_name = "logical_date" if "logical_date" in inspect.signature(dag.test).parameters else "execution_date"
    run = dag.test(**{date_name: date}, **options)
    return {(ti.task_id, ti.map_index): ti.state for ti in run.get_task_instances()}
