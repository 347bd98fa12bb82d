"""Workers: tries of tasks in processes of their own, which can be killed.

Python's fork server imports Airflow, Google's client and this module once; a worker is then a fork, made in
milliseconds. What it runs is the real operator or hook.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wxanalysis.bigquery import chunks, clients, jobs, journal, tables
from airflow_provider_wxanalysis.exceptions import InvalidTokenError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.support.contexts import run_context

PATIENCE = 300
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "google.cloud.bigquery"])


class Outcome(NamedTuple):
    """How a worker ended: ``done``, ``failed`` (a retry may fix it), ``fatal`` or ``killed``; and with what."""

    status: str
    value: Any = None


@dataclass(frozen=True)
class Load:
    """One try of one load of visit_page.

    :param connections: the Airflow connections to WeChat, one for each app.
    :param bigquery: URL of BigQuery.
    :param table: where to.
    :param first: first day.
    :param last: last day.
    :param run_id: the Airflow run.
    :param try_number: which try.
    :param chunk_bytes: size of a MERGE, so small that every period has its own; ``None`` for the package's.
    :param timeout: seconds to wait for BigQuery's answers; ``None`` for the package's.
    :param arguments: the operator's further ones.
    """

    connections: tuple[dict[str, Any], ...]
    bigquery: str
    table: str
    first: Period
    last: Period
    run_id: str = "run"
    try_number: int = 1
    chunk_bytes: int | None = 21_000
    timeout: float | None = None
    arguments: dict[str, Any] = field(default_factory=dict)

    def __call__(self) -> dict[str, Any]:
        """Do it."""
        conn_ids = [f"worker_{connection['login']}" for connection in self.connections]
        for conn_id, connection in zip(conn_ids, self.connections, strict=True):
            os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(connection)
        os.environ["BIGQUERY_EMULATOR_HOST"] = self.bigquery
        if self.chunk_bytes:
            chunks.CHUNK_BYTES = self.chunk_bytes
        if self.timeout:
            for module in (clients, jobs, journal, tables):
                vars(module)["TIMEOUT"] = self.timeout
        operator = WeAnalysisToBigQueryOperator(
            task_id="load",
            endpoint="visit_page",
            destination_project_dataset_table=self.table,
            weanalysis_conn_id=conn_ids if len(conn_ids) > 1 else conn_ids[0],
            gcp_conn_id=None,
            **self.arguments,
        )
        start, end = self.first.closes_at.subtract(minutes=1), self.last.closes_at.add(minutes=1)
        # Job ids are made from the task instance, and BigQuery keeps them: so every table gets a DAG of its own.
        context = run_context(start, end, dag_id=self.table, run_id=self.run_id, try_number=self.try_number)
        return operator.execute(context)


@dataclass(frozen=True)
class Loads:
    """Loads one after the other, each tried again as Airflow would; ``start_at`` is in Unix seconds."""

    loads: tuple[Load, ...]
    start_at: float
    tries: int = 5

    def __call__(self) -> int:
        """Do them all and return how many tries failed."""
        time.sleep(max(0.0, self.start_at - time.time()))
        return sum(self._load(load) for load in self.loads)

    def _load(self, load: Load) -> int:
        for try_number in range(1, self.tries + 1):
            outcome = _outcome(Load(**{**vars(load), "try_number": try_number}))
            if outcome.status == "done":
                return try_number - 1
            if outcome.status == "fatal":
                break
        raise RuntimeError(f"{load.run_id}: {outcome}")


@dataclass(frozen=True)
class Fetches:
    """Calls for one day's figures, with a ``pause`` (seconds) between them."""

    connection: dict[str, Any]
    day: Period
    calls: int
    pause: float

    def __call__(self) -> list[str]:
        """Make the calls and return what those that failed said of the token."""
        os.environ["AIRFLOW_CONN_WORKER"] = json.dumps(self.connection)
        hook, complaints = WeAnalysisHook("worker"), []
        for _ in range(self.calls):
            try:
                assert hook.fetch("daily_summary", self.day)
            except InvalidTokenError as error:
                complaints.append(str(error))
            time.sleep(self.pause)
        return complaints


class Worker:
    """A process that does one piece of work."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._answers, answer = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(target=_work, args=(work, answer), daemon=True)
        self._process.start()
        answer.close()

    def kill(self) -> None:
        """SIGKILL it."""
        self._process.kill()

    def wait(self, seconds: float) -> None:
        """Wait until it ends, but no longer."""
        self._process.join(seconds)

    def outcome(self) -> Outcome:
        """Wait until it ends and return how."""
        if not self._answers.poll(PATIENCE):
            self.kill()
            raise AssertionError("The worker hangs.")
        try:
            answer = self._answers.recv()
        except EOFError:  # it left without a word
            answer = Outcome("killed")
        self._process.join(PATIENCE)
        assert answer.status != "killed" or self._process.exitcode == -signal.SIGKILL, self._process.exitcode
        self._answers.close()
        self._process.close()
        return answer


def work(work: Callable[[], Any]) -> Outcome:
    """Have a piece of work done by a worker."""
    return Worker(work).outcome()


def _work(work: Callable[[], Any], answer: Any) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    answer.send(_outcome(work))


def _outcome(work: Callable[[], Any]) -> Outcome:
    try:
        return Outcome("done", work())
    except AirflowFailException as error:
        return Outcome("fatal", str(error))
    except Exception as error:
        return Outcome("failed", f"{type(error).__name__}: {error}")
