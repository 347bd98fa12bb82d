"""Leave everything running, to play with; see ``make play``."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

from tests.demo.report import Warehouse
from tests.demo.stage import APPS, DATASET, LATE, OUTPUT, PROJECT, settings, wechat_server
from tests.support.live_airflow import LiveAirflow, live_airflow
from tests.support.servers import REPOSITORY, local_bigquery

OWN_DAGS = REPOSITORY / "tests" / "demo" / "dags" / "demo.py"
SHOP = APPS["weanalysis_shop"][0]
#: local-bigquery refuses one of two tables that are created at the same moment, which BigQuery does not.
RETRIES = {"AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "5", "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2"}
STATEMENTS = (
    f"SELECT begin_date, visit_uv, visit_uv_new, session_cnt FROM `{DATASET}.daily_visit_trend` "
    f'WHERE appid = "{SHOP}" ORDER BY begin_date DESC LIMIT 7',
    f"SELECT page_rank, page_path, page_visit_pv FROM `{DATASET}.visit_page` "
    f'WHERE appid = "{SHOP}" ORDER BY begin_date DESC, page_rank LIMIT 5',
    f"SELECT period_offset, ROUND(SUM(users) / SUM(cohort_users), 3) AS came_back FROM `{DATASET}.daily_retain` "
    'WHERE cohort = "visit_uv_new" AND period_offset > 0 GROUP BY period_offset ORDER BY period_offset',
    f"SELECT item_label, SUM(item_value) AS opens FROM `{DATASET}.visit_distribution` "
    'WHERE distribution = "access_source_session_cnt" GROUP BY item_label ORDER BY opens DESC LIMIT 5',
    f"SELECT appid, COUNT(DISTINCT begin_date) AS days, MAX(_loaded_at) AS loaded_at "
    f"FROM `{DATASET}.daily_visit_trend` GROUP BY appid",
)


def main() -> int:
    """Start everything, load two months, say where it is, and wait for Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs begin with SIGINT ignored
        signal.signal(number, _interrupt)
    print("Starting Airflow, a WeChat server and a BigQuery server on 127.0.0.1; this takes a minute ...", flush=True)
    with _everything() as (airflow, bigquery):
        print(_welcome(airflow, bigquery), flush=True)
        threading.Event().wait()
    return 0


@contextlib.contextmanager
def _everything() -> Iterator[tuple[LiveAirflow, str]]:
    folder = OUTPUT / "play"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (
        wechat_server() as wechat,
        local_bigquery(folder / "bigquery", PROJECT) as bigquery,
        live_airflow(folder / "airflow", env={**settings(wechat, bigquery), **RETRIES}) as airflow,
    ):
        Warehouse(bigquery, DATASET)
        airflow.add_dags(OWN_DAGS, ["demo_history"])
        for example in sorted((REPOSITORY / "example_dags").glob("*.py")):
            shutil.copy(example, airflow.dags)
        for dag_id in ("demo_history", "demo_heal"):
            airflow.unpause(dag_id)
            run = airflow.finished_runs(dag_id)[-1]
            print(f"{dag_id}: {run['state']}", flush=True)
        yield airflow, bigquery


def _welcome(airflow: LiveAirflow, bigquery: str) -> str:
    connection = {"conn_type": "weanalysis", "login": SHOP, "password": f"secret-of-{SHOP}"}
    statements = "\n\n".join(STATEMENTS)
    return f"""
Airflow's UI     {airflow.url}   (no login: everyone is an administrator)
  the page       {airflow.url}  > WeChat data
Connections      {", ".join([*APPS, *LATE])}   (such as {json.dumps(connection)})
BigQuery         export BIGQUERY_EMULATOR_HOST={bigquery}
  a query        BIGQUERY_EMULATOR_HOST={bigquery} .venv/bin/python -m tests.demo.query 'SELECT 1 AS one'

Five statements to try:

{statements}

Ctrl-C ends everything."""


def _interrupt(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nEnded.")
