"""What the demo runs on: a WeChat server, a BigQuery server and a scratch Airflow, all on 127.0.0.1."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pendulum

from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.testing import WeChatServer
from tests.demo.report import Calendar
from tests.support.airflow_home import make_airflow_home
from tests.support.servers import REPOSITORY, local_bigquery

OUTPUT = REPOSITORY / "demo-output"
PROJECT = "demo-project"
DATASET = f"{PROJECT}.wechat"
#: Connection -> AppID and what people call it. The last one is added late.
APPS = {
    "weanalysis_shop": ("wx00000000000000a1", "Shop 商城"),
    "weanalysis_magazine": ("wx00000000000000b2", "Magazine 杂志"),
}
LATE = {"weanalysis_tickets": ("wx00000000000000c3", "Tickets 票务")}
EVERYTHING = REPOSITORY / "example_dags" / "weanalysis_everything.py"
ENDS_WELL = {"success", "skipped"}
_ERROR = re.compile(r"^.*?(?=\b\w+Error: )")
_COVERAGE = re.compile(r"app +endpoint +periods.*")
#: What Airflow's log puts after a message: the logger and the place in the code.
_ORIGIN = re.compile(r" \[airflow_provider_wxanalysis\S*\] loc=\S+$")


class Stage:
    """The running servers, and Airflow's command line.

    :param wechat: the WeChat server.
    :param bigquery: BigQuery's address.
    """

    def __init__(self, wechat: WeChatServer, bigquery: str) -> None:
        self.wechat = wechat
        self.bigquery = bigquery
        #: Moment -> what BigQuery covered then, for the picture.
        self.calendars: dict[str, Calendar] = {}
        self.log = OUTPUT / "airflow.log"
        dags = OUTPUT / "dags"
        for folder in (REPOSITORY / "example_dags", REPOSITORY / "tests" / "demo" / "dags"):
            shutil.copytree(folder, dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        self.environment: Mapping[str, str] = {
            **os.environ,
            **make_airflow_home(OUTPUT / "airflow", dags),
            **settings(wechat, bigquery),
            "PYTHONWARNINGS": "ignore",
        }
        self.plan(list(APPS))

    def plan(self, conn_ids: list[str]) -> None:
        """Have the example that does everything every morning do it for these apps, over the last 60 days."""
        text = EVERYTHING.read_text()
        for name, value in (("APPS = ", repr(conn_ids)), ('params={"since": ', f'"{since()}"}},')):
            text, found = re.subn(rf"^( *{re.escape(name)}).*$", rf"\g<1>{value}", text, flags=re.MULTILINE)
            if found != 1:
                self.fail(f"{EVERYTHING.name} has no line {name!r}")
        (OUTPUT / "dags" / EVERYTHING.name).write_text(text)

    def run_dag(self, dag_id: str, date: dt.datetime, *options: str, expect: str = "success") -> None:
        """Run a DAG by ``airflow dags test``, and print how its tasks ended.

        :param expect: ``failed`` where a task is meant to fail.
        """
        command = ["dags", "test", dag_id, f"{date:%Y-%m-%dT%H:%M%z}", *options]
        say(f"  $ airflow {shlex.join(command)} ", end="")
        started = time.monotonic()
        self.airflow(*command)
        states = self.task_states(dag_id)
        ended = ", ".join(f"{count} {state}" for state, count in states.items())
        say(f"-> {ended}  ({time.monotonic() - started:.0f} s)")
        if ("failed" in states) != (expect == "failed") or set(states) - ENDS_WELL - {"failed", "upstream_failed"}:
            self.fail(f"{dag_id} did not end as expected ({expect})")

    def kill_during(self, dag_id: str, date: dt.datetime, when: Callable[[], bool]) -> None:
        """Start a DAG run and kill all its processes with SIGKILL as soon as ``when`` returns true."""
        command = [sys.executable, "-m", "airflow", "dags", "test", dag_id, f"{date:%Y-%m-%dT%H:%M%z}"]
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                command, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )
        while process.poll() is None and not when():
            time.sleep(0.02)
        if process.poll() is not None:
            self.fail(f"{dag_id} ended before it could be killed")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def airflow(self, *arguments: str) -> None:
        """Run an airflow command; its output goes to the log."""
        with self.log.open("ab") as output:
            command = [sys.executable, "-m", "airflow", *arguments]
            run = subprocess.run(command, env=self.environment, stdout=output, stderr=output, check=False)
        if run.returncode and arguments[:2] != ("dags", "test"):  # which says by its code how the DAG ended
            self.fail(f"airflow {' '.join(arguments)} ended with {run.returncode}")

    def task_states(self, dag_id: str) -> dict[str, int]:
        """Return how many tasks of a DAG's latest run ended in which state."""
        with contextlib.closing(sqlite3.connect(Path(self.environment["AIRFLOW_HOME"]) / "airflow.db")) as connection:
            query = """SELECT state, COUNT(*) FROM task_instance WHERE dag_id = ?1 AND run_id = (
                SELECT run_id FROM dag_run WHERE dag_id = ?1 ORDER BY start_date DESC LIMIT 1) GROUP BY state"""
            return dict(sorted(connection.execute(query, (dag_id,)).fetchall(), reverse=True))

    def sentence(self, containing: str) -> str:
        """Return the last line of Airflow's log that contains a text, from the error's own first word on."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if containing in line]
        return _ERROR.sub("", lines[-1]).strip() if lines else "(not found in the log)"

    def coverage(self, back: int = 0) -> str:
        """Return the latest coverage table in Airflow's log, or one of those before it."""
        lines = self.log.read_text(errors="replace").splitlines()
        start = [number for number, line in enumerate(lines) if _COVERAGE.search(line)][-1 - back]
        block = [_COVERAGE.search(lines[start])[0]]  # type: ignore[index]
        for line in lines[start + 1 :]:
            if not line.strip() or line.startswith(("[", "20")):
                break
            block.append(_ORIGIN.sub("", line))
        return "\n".join(f"    {line}" for line in block)

    def fail(self, reason: str) -> NoReturn:
        """End the demo with the last lines of Airflow's log."""
        tail = self.log.read_text(errors="replace").splitlines()[-40:]
        sys.exit("\n".join([*tail, "", f"The demo failed: {reason}. The whole log: {self.log}"]))


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Start everything, and end it with the block."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    with wechat_server() as wechat, local_bigquery(OUTPUT / "bigquery", PROJECT) as bigquery:
        yield Stage(wechat, bigquery)


def wechat_server(port: int = 0) -> WeChatServer:
    """Return a WeChat server whose figures are published at midnight, so that the demo works at any hour."""
    apps = {appid: f"secret-of-{appid}" for appid, _ in {**APPS, **LATE}.values()}
    launched = {APPS["weanalysis_magazine"][0]: launch_day()}
    return WeChatServer(apps, port=port, published_at=dt.time(0), launched=launched)


def launch_day() -> dt.date:
    """Return when the magazine's mini program was launched: 40 days ago, in the middle of what the demo loads."""
    return pendulum.today(SHANGHAI).subtract(days=40).date()


def since() -> dt.date:
    """Return the first day that should be there."""
    return pendulum.today(SHANGHAI).subtract(days=60).date()


def settings(wechat: WeChatServer, bigquery: str) -> dict[str, str]:
    """Return the environment variables that lead Airflow's tasks to the servers."""
    first = next(iter(APPS))
    connections = {**APPS, **LATE, "weanalysis_default": APPS[first]}
    found = {
        f"AIRFLOW_CONN_{name.upper()}": json.dumps(wechat.connection(appid, app_name=title))
        for name, (appid, title) in connections.items()
    }
    wrong = {**wechat.connection(APPS[first][0]), "password": "not-the-AppSecret-of-this-app"}
    return {
        **found,
        "AIRFLOW_CONN_WEANALYSIS_WRONG_SECRET": json.dumps(wrong),
        "AIRFLOW_VAR_WEANALYSIS_DATASET": DATASET,
        "BIGQUERY_EMULATOR_HOST": bigquery,
    }


def say(text: str, end: str = "\n") -> None:
    """Print at once."""
    print(text, end=end, flush=True)
