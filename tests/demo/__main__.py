"""Run the demo; see ``make demo``."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pendulum

from airflow_provider_wxanalysis.periods import SHANGHAI
from tests.demo.pictures import draw
from tests.demo.report import Warehouse
from tests.support.airflow_home import make_airflow_home
from tests.support.servers import REPOSITORY, free_port, local_bigquery, running, wait_for

OUTPUT = REPOSITORY / "demo-output"
APPS = {"weanalysis_shop": "wx00000000000000a1", "weanalysis_magazine": "wx00000000000000b2"}
DATASET = "demo-project.wechat"


def main() -> int:
    """Start the servers, run the example DAGs, show what they loaded."""
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    say("Starting a WeChat server, a BigQuery server and a scratch Airflow, all on 127.0.0.1 ...")
    with wechat_server() as wechat, local_bigquery(OUTPUT / "bigquery") as bigquery:
        environment = airflow(wechat, bigquery)
        warehouse = Warehouse(bigquery, DATASET)
        today = pendulum.now(SHANGHAI).replace(hour=23, minute=0, second=0, microsecond=0)
        months = [today.start_of("month").subtract(months=back).add(hours=12) for back in (2, 1, 0)]

        say("\nQuickstart: one endpoint of one app, returned as rows.")
        run_dag(environment, "weanalysis_quickstart", today)
        say(f"    {returned(database(environment))}")

        say("\nHistory: three months of two apps. Every run owns the days, weeks and months which ended in it.")
        for month in months:
            run_dag(environment, "weanalysis_history", month)

        say("\nThis month so far, as a range given by hand; then the two latest days, as the schedule runs them.")
        if today.day > 1:
            dates = {"from_date": f"{today:%Y-%m}-01", "to_date": f"{today.subtract(days=1):%Y-%m-%d}"}
            run_dag(environment, "weanalysis_many_apps", today.add(minutes=1), "--conf", json.dumps(dates))
        for day in (today.subtract(days=1), today):
            run_dag(environment, "weanalysis_many_apps", day)

        say("\nYesterday again, with all 13 entries behind a sensor. Portraits exist for yesterday only.")
        run_dag(environment, "weanalysis_to_bigquery", today)

        say("\nThe same run once more. Nothing may double.")
        before = warehouse.contents()
        run_dag(environment, "weanalysis_to_bigquery", today)
        after = warehouse.contents()
        say(f"  {sum(map(len, before.values())):,} rows in {len(before)} tables before, the same rows after: ", end="")
        say("yes." if before == after else "NO!")

        say("\nWhat BigQuery holds now, read back through Google's client:")
        warehouse.show(after)
        picture = draw(after, OUTPUT / "weanalysis.png")
    say(f"\nPicture: {picture.relative_to(REPOSITORY)}")
    say(f"Logs and data: {OUTPUT.relative_to(REPOSITORY)}/   Time: {time.monotonic() - started:.0f} s")
    return 0 if before == after else 1


@contextlib.contextmanager
def wechat_server() -> Iterator[str]:
    """Run this package's WeChat server and yield its URL."""
    port, log = free_port(), OUTPUT / "wechat.log"
    # Published at midnight, so that the demo works at any hour; the real WeChat takes until 10:00 or so.
    command = [
        sys.executable,
        "-m",
        "airflow_provider_wxanalysis.testing",
        "--port",
        str(port),
        "--published-at",
        "00:00",
    ]
    with running(command, log) as process:
        wait_for(f"http://127.0.0.1:{port}/", process, log)
        yield f"http://127.0.0.1:{port}"


def airflow(wechat: str, bigquery: str) -> Mapping[str, str]:
    """Make a scratch Airflow that knows both servers, and return its environment."""
    home = make_airflow_home(OUTPUT / "airflow", REPOSITORY / "example_dags")
    connections = {**APPS, "weanalysis_default": APPS["weanalysis_shop"]}
    environment = {
        **os.environ,
        **home,
        "BIGQUERY_EMULATOR_HOST": bigquery,
        "AIRFLOW_VAR_WEANALYSIS_DATASET": DATASET,
        "PYTHONWARNINGS": "ignore",
    }
    for name, appid in connections.items():
        connection = {"conn_type": "weanalysis", "login": appid, "password": f"secret-of-{appid}", "host": wechat}
        environment[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(connection)
    run(environment, "pools", "set", "weanalysis", "8", "Loads into BigQuery")
    return environment


def run_dag(environment: Mapping[str, str], dag_id: str, date: dt.datetime, *options: str) -> None:
    """Run a DAG by ``airflow dags test``, and tell how its tasks ended."""
    command = ["dags", "test", dag_id, f"{date:%Y-%m-%dT%H:%M%z}", *options]
    say(f"  $ airflow {shlex.join(command)} ", end="")
    started = time.monotonic()
    run(environment, *command)
    states = task_states(database(environment), dag_id)
    say(f"-> {', '.join(f'{count} {state}' for state, count in states.items())}  ({time.monotonic() - started:.0f} s)")
    if set(states) - {"success", "skipped"}:
        fail(f"{dag_id} did not succeed")


def run(environment: Mapping[str, str], *arguments: str) -> None:
    """Run an airflow command; its output goes to the log."""
    log = OUTPUT / "airflow.log"
    with log.open("ab") as output:
        command = [sys.executable, "-m", "airflow", *arguments]
        code = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode
    if code:
        fail(f"airflow {' '.join(arguments)} ended with {code}")


def database(environment: Mapping[str, str]) -> Path:
    """Return the scratch Airflow's database."""
    return Path(environment["AIRFLOW_HOME"]) / "airflow.db"


def returned(database: Path) -> str:
    """Return what the first task returned, as Airflow keeps it."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        query = "SELECT value FROM xcom WHERE key = 'return_value' ORDER BY timestamp LIMIT 1"
        return str(connection.execute(query).fetchone()[0])


def task_states(database: Path, dag_id: str) -> dict[str, int]:
    """Return how many tasks of the latest run of a DAG ended in which state."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        query = """SELECT state, COUNT(*) FROM task_instance WHERE dag_id = ?1 AND run_id = (
            SELECT run_id FROM dag_run WHERE dag_id = ?1 ORDER BY start_date DESC LIMIT 1) GROUP BY state"""
        return dict(sorted(connection.execute(query, (dag_id,)).fetchall(), reverse=True))


def say(text: str, end: str = "\n") -> None:
    """Tell the person at the terminal, at once."""
    print(text, end=end, flush=True)


def fail(reason: str) -> NoReturn:
    """End the demo with the last lines of Airflow's log."""
    log = (OUTPUT / "airflow.log").read_text(errors="replace").splitlines()
    sys.exit("\n".join([*log[-40:], "", f"The demo failed: {reason}. The whole log: {OUTPUT}/airflow.log"]))


def _interrupt(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped; the servers have been ended.")
