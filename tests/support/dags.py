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
        from airflow.models.dagbag import DagBag  # type: ignore[no-redef]
    return DagBag(path)


def run_dag_file(path: Path, dags: Path, date: dt.datetime, dag_id: str | None = None, **options: Any) -> Any:
    """Run a DAG of a file for a logical date and return the DAG run.

    :param path: the file.
    :param dags: the scratch Airflow's folder of DAGs, where the file becomes the only one; Airflow 3.1 and later run
        no DAG from elsewhere.
    :param dag_id: which DAG, if the file has several.
    :param options: more for ``dag.test()``.
    """
    for old in dags.glob("*.py"):
        old.unlink()
    shutil.copy(path, dags)
    bag = dag_bag(dags)
    assert bag.import_errors == {}
    (dag,) = [bag.dags[dag_id]] if dag_id else bag.dags.values()
    date_name = "logical_date" if "logical_date" in inspect.signature(dag.test).parameters else "execution_date"
    return dag.test(**{date_name: date}, **options)


def task_states(run: Any) -> dict[tuple[str, int], str]:
    """Return how the tasks of a DAG run ended: (task id, map index) -> state."""
    return {(ti.task_id, ti.map_index): ti.state for ti in run.get_task_instances()}
