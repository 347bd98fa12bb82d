"""Run the DAGs whose snapshots the page shows, with whatever Airflow is installed: ``python -m tests.browser.seed``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pendulum

from tests.support.dags import run_dag_file, task_states

#: In this order, so that the last one's snapshot is the newest.
DAG_IDS = ("someone_elses", "weanalysis_loads", "weanalysis_hundred", "weanalysis_shops", "weanalysis_morning")


def main() -> int:
    """Run them into the database of the environment."""
    dags = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    path = Path(__file__).parent / "dags" / "weanalysis_page.py"
    for number, dag_id in enumerate(DAG_IDS):
        run = run_dag_file(path, dags, pendulum.datetime(2026, 11, 26, 0, 30 + number), dag_id)
        print(dag_id, task_states(run), flush=True)
        if str(run.state) != "success":
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
