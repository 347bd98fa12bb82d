"""Loads in real Airflow whose threads wait for hours, each ended in one way: how many seconds that takes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from airflow_provider_wxanalysis.testing import Answer, WeChatServer, faults
from airflow_provider_wxanalysis.testing.answers import error
from tests.support.airflow_home import make_airflow_home

DAG_FILE = Path(__file__).with_name("dags") / "weanalysis_ending.py"
FIRST, LAST = "2026-03-01", "2026-03-04"
#: Airflow takes its time to start and to end, and so does a busy machine.
PATIENCE = 600.0
#: The connection's time-out, in seconds: no wait here ends by itself in less than the minute's pause after 45011.
LONG = 600.0
#: From when a load has begun to when it is ended, in seconds; by then its threads wait.
SETTLED = 3.0
TIMEOUT = 15.0


class Cell(NamedTuple):
    """What ends a load, and what its threads wait for meanwhile."""

    end: str
    wait: str

    @property
    def task_id(self) -> str:
        """A name for its task and its connection."""
        return f"{self.end}_{self.wait}".replace(" ", "_").lower()


SIGTERM, EXECUTION_TIMEOUT, FATAL = "SIGTERM", "execution_timeout", "48001 for another period"
PAUSE, SILENT, DEAD = "the pause after 45011", "a server that does not answer", "a host that cannot be reached"
#: A host that cannot be reached answers no period with 48001.
CELLS = [Cell(end, wait) for end in (SIGTERM, EXECUTION_TIMEOUT, FATAL) for wait in (PAUSE, SILENT, DEAD)][:-1]


@dataclass
class Scene:
    """What WeChat does to one app: nothing that ends a wait, except 48001 where that is what ends the load.

    :param cell: the load.
    :param over: ends all waits of the server.
    """

    cell: Cell
    over: threading.Event
    due: float = 0.0
    others: threading.Event = field(default_factory=threading.Event)
    first: threading.Event = field(default_factory=threading.Event)

    def reply(self, answer: Answer, question: Any) -> Answer:
        """Make one period's reply."""
        if self.cell.end == FATAL:
            if str(question.begin) == FIRST:
                self.first.set()
                self.others.wait(PATIENCE)
                time.sleep(SETTLED)
                self.due = time.time()
                return error(48001)
            self.first.wait(PATIENCE)  # or after 45011 it would not be asked for
        self.others.set()
        if self.cell.wait == PAUSE:
            return error(45011)
        self.over.wait()
        return answer


class Laboratory:
    """A WeChat and a scratch Airflow: that of the Python which runs this.

    :param table: where the loads go, which write nothing.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._over = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> Laboratory:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ending-")))
        self._server = self._stack.enter_context(WeChatServer())
        self._stack.callback(self._over.set)
        self._dead = self._stack.enter_context(_unreachable())
        self._environment = make_airflow_home(self._folder / "airflow", self._folder / "dags")
        shutil.copy(DAG_FILE, self._folder / "dags")
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def seconds(self, cell: Cell) -> float:
        """Run a load, in an Airflow process of its own, which may end with it, and return how long the end took."""
        scene = Scene(cell, self._over)
        moments = self._folder / f"{cell.task_id}.moments"
        log = moments.with_suffix(".log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "dags", "test", "weanalysis_ending"],
                env={**os.environ, **self._environment, **self._task(scene, moments)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            if cell.end == SIGTERM:
                scene.due = self._terminate(process, scene, moments)
            process.wait(PATIENCE)
            return self._took(scene, moments)
        except BaseException:
            print(log.read_text(errors="replace")[-6000:])
            raise
        finally:
            process.kill()
            process.wait()

    def _task(self, scene: Scene, moments: Path) -> dict[str, str]:
        cell, appid = scene.cell, f"wx{CELLS.index(scene.cell):016}"
        fault = faults.Fault(cell.task_id, scene.reply)
        self._server.faults.add(fault, endpoint="daily_summary", appid=appid, times=None)
        connection = self._server.connection(appid, timeout=LONG, auth="static" if cell.wait == DEAD else "stable")
        if cell.wait == DEAD:
            connection["host"] = self._dead
        return {
            f"AIRFLOW_CONN_{cell.task_id.upper()}": json.dumps(connection),
            "ENDING_TASK": cell.task_id,
            "ENDING_TIMEOUT": str(TIMEOUT) if cell.end == EXECUTION_TIMEOUT else "",
            "ENDING_DATES": json.dumps([FIRST, LAST]),
            "ENDING_MOMENTS": str(moments),
            "ENDING_TABLE": self._table,
            "PYTHONWARNINGS": "ignore",
        }

    def _terminate(self, process: subprocess.Popen[bytes], scene: Scene, moments: Path) -> float:
        ends = time.monotonic() + PATIENCE
        while not (scene.cell.wait == DEAD or scene.others.is_set()) or "began" not in _moments(moments):
            assert process.poll() is None, "it ended before it was told to"
            assert time.monotonic() < ends, "it did not begin"
            time.sleep(0.05)
        time.sleep(SETTLED)
        process.send_signal(signal.SIGTERM)
        return time.time()

    def _took(self, scene: Scene, moments: Path) -> float:
        at = _moments(moments)
        due = at["began"] + TIMEOUT if scene.cell.end == EXECUTION_TIMEOUT else scene.due
        assert due, "what was to end it did not happen"
        took = at["ended"] - due
        assert took > -1, "it ended before it was told to"  # Airflow's timer starts a little earlier than execute
        return max(0.0, took)


def _moments(path: Path) -> dict[str, float]:
    """Return when a load began and ended."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return {what: float(when) for what, when in map(str.split, lines)}


@contextmanager
def _unreachable() -> Iterator[str]:
    """Yield the URL of a host that takes no more connections, and refuses none: its queue is full."""
    with ExitStack() as stack, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
