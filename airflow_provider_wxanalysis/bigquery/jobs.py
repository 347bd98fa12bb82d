"""Running statements so that a worker that dies, a lost reply or a late request never writes twice.

BigQuery takes a job id once. Ids are made from the task instance, its try and a serial number, so that a later try can
*fence* an earlier one: it runs ``SELECT 1`` under the id that the earlier try would use next, which burns it.

.. seealso:: https://cloud.google.com/bigquery/docs/running-jobs
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import tenacity
from google.api_core.exceptions import Conflict, NotFound
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.errors import explained, is_contention
from airflow_provider_wxanalysis.exceptions import SupersededError

log = logging.getLogger(__name__)

ATTEMPTS = 8
ATTEMPT_LABEL = "weanalysis_attempt"
FENCE_LABEL = "weanalysis_fence"
sleep = time.sleep

Parameter = bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter


@dataclass(frozen=True)
class TaskInstance:
    """The task instance that job ids come from."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int | None
    try_number: int

    def job_id(self, try_number: int, serial: int) -> str:
        """Return the id of a submission."""
        identity = json.dumps([self.dag_id, self.run_id, self.task_id, self.map_index])
        return f"weanalysis_{hashlib.sha256(identity.encode()).hexdigest()[:32]}_t{try_number}_n{serial}"


@dataclass
class Jobs:
    """The jobs of one try.

    :param client: BigQuery client; its project runs the jobs.
    :param location: the dataset's location.
    :param task_instance: who runs them.
    :param labels: labels for every job.
    """

    client: bigquery.Client
    location: str | None
    task_instance: TaskInstance
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._serials = itertools.count()
        self._attempt = secrets.token_hex(8)
        self._fenced = False
        self._running: bigquery.QueryJob | None = None

    def run(self, statement: str, parameters: Callable[[str], Sequence[Parameter]]) -> str:
        """Run a statement to its end and return the id of the job that did it.

        :param statement: SQL.
        :param parameters: makes the parameters from the job's id.
        :raises SupersededError: if a later try has fenced this one off.
        :raises DestinationError: if BigQuery refuses for a reason that a person must mend.
        """
        if not self._fenced:
            self._fence_earlier_tries()
            self._fenced = True
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_contention),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_random_exponential(multiplier=1, max=60),
            before_sleep=lambda state: log.warning(
                "BigQuery asks for patience: %s", state.outcome and state.outcome.exception()
            ),
            sleep=lambda seconds: sleep(seconds),
            reraise=True,
        )
        with explained("Writing to BigQuery"):
            return retrying(self._run_once, statement, parameters)

    def query(self, statement: str, parameters: Sequence[Parameter]) -> list[Any]:
        """Run a query that changes nothing and return its rows."""
        config = bigquery.QueryJobConfig(query_parameters=parameters, labels=dict(self.labels))
        with explained("Reading from BigQuery"):
            return list(self.client.query_and_wait(statement, job_config=config, location=self.location))

    def cancel(self) -> None:
        """Cancel the statement that is running, if one is."""
        if self._running is not None:
            self._running.cancel()

    def _run_once(self, statement: str, parameters: Callable[[str], Sequence[Parameter]]) -> str:
        while True:
            job_id = self.task_instance.job_id(self.task_instance.try_number, next(self._serials))
            job = self._submit(job_id, statement, parameters(job_id))
            if job is not None:
                self._running = job
                job.result()
                self._running = None
                return job_id

    def _submit(self, job_id: str, statement: str, parameters: Sequence[Parameter]) -> bigquery.QueryJob | None:
        """Submit under ``job_id``; ``None`` if a like-named run of another process has used it."""
        config = bigquery.QueryJobConfig(
            query_parameters=parameters, labels={**self.labels, ATTEMPT_LABEL: self._attempt}
        )
        try:
            # The client posts again after a lost reply, under the same id: then the id is taken, by ourselves.
            return self.client.query(
                statement, job_config=config, job_id=job_id, location=self.location, job_retry=None
            )
        except Conflict:
            job = self._existing(job_id)
        if job.labels.get(ATTEMPT_LABEL) == self._attempt:
            return job
        if FENCE_LABEL in job.labels:
            raise SupersededError(f"A later try of this task has taken over (job {job_id}); this one stops writing.")
        job.exception()  # waits; how it ended is the other process's business
        return None

    def _fence_earlier_tries(self) -> None:
        config = bigquery.QueryJobConfig(labels={**self.labels, FENCE_LABEL: "true"})
        for try_number in range(1, self.task_instance.try_number):
            for serial in itertools.count():
                job_id = self.task_instance.job_id(try_number, serial)
                try:
                    with explained("Fencing an earlier try"):
                        self.client.query(
                            "SELECT 1", job_config=config, job_id=job_id, location=self.location, job_retry=None
                        )
                    break
                except Conflict:
                    job = self._existing(job_id)
                if FENCE_LABEL in job.labels:
                    break
                job.exception()  # waits until it can change nothing any more

    def _existing(self, job_id: str) -> bigquery.QueryJob:
        """Read a job that BigQuery says exists; for a moment it may still answer 404."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NotFound),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
            sleep=lambda seconds: sleep(seconds),
            reraise=True,
        )
        job = retrying(self.client.get_job, job_id, location=self.location)
        return cast("bigquery.QueryJob", job)
