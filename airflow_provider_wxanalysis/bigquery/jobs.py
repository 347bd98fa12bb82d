"""Running statements so that a worker that dies, a lost reply or a late request never writes twice.

BigQuery takes a job id once. Ids are made from the task instance, its try and a serial number, so that a later try can
*fence* an earlier one: it runs ``SELECT 1`` under the id that the earlier try would use next, which burns it.

.. seealso:: https://cloud.google.com/bigquery/docs/running-jobs
"""

from __future__ import annotations

import concurrent.futures
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
from google.api_core.exceptions import Conflict, GoogleAPIError, NotFound
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.clients import TIMEOUT
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
        self._serial = 0
        self._fenced = False
        self._running: bigquery.QueryJob | None = None

    def fence_earlier_tries(self) -> None:
        """Wait for the jobs of earlier tries, and see to it that none of their requests can start another.

        Best done before the rows are fetched: what this try fetches is then newer than all that earlier ones write.
        """
        if self._fenced:
            return
        for try_number in range(1, self.task_instance.try_number):
            for serial in itertools.count():
                if self._fence(self.task_instance.job_id(try_number, serial)):
                    break
        self._fenced = True

    def run(self, statement: str, parameters: Callable[[str], Sequence[Parameter]]) -> str:
        """Run a statement to its end and return the id of the job that did it.

        :param statement: SQL.
        :param parameters: makes the parameters from the job's id.
        :raises SupersededError: if a later try has fenced this one off.
        :raises DestinationError: if BigQuery refuses for a reason that a person must mend.
        """
        self.fence_earlier_tries()
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
            return retrying(self._run_once, statement, parameters, attempt=secrets.token_hex(8))

    def query(self, statement: str, parameters: Sequence[Parameter]) -> list[Any]:
        """Run a query that changes nothing and return its rows."""
        config = bigquery.QueryJobConfig(query_parameters=parameters, labels=dict(self.labels))
        with explained("Reading from BigQuery"):
            return list(
                self.client.query_and_wait(statement, job_config=config, location=self.location, api_timeout=TIMEOUT)
            )

    def cancel(self) -> None:
        """Cancel the statement that is running, if one is."""
        if self._running is not None:
            self._running.cancel()

    def _run_once(self, statement: str, parameters: Callable[[str], Sequence[Parameter]], *, attempt: str) -> str:
        while True:
            job_id = self.task_instance.job_id(self.task_instance.try_number, self._serial)
            job, ours = self._submit(job_id, statement, parameters(job_id), attempt)
            if ours:
                self._running = job
            error = _outcome(job)
            self._running = None
            # Not before: fences rely on numbers without gaps, and two jobs of one try must never run at once.
            self._serial += 1
            if ours and error is not None:
                raise error
            if ours:
                return job_id

    def _submit(
        self, job_id: str, statement: str, parameters: Sequence[Parameter], attempt: str
    ) -> tuple[bigquery.QueryJob, bool]:
        """Submit under ``job_id``; return the job that has the id, and whether it is ours."""
        config = bigquery.QueryJobConfig(query_parameters=parameters, labels={**self.labels, ATTEMPT_LABEL: attempt})
        try:
            return self._insert(statement, config, job_id), True
        except Conflict:  # by a like-named run of another process, by a fence, or by ourselves: a reply was lost
            job = self._existing(job_id)
        if FENCE_LABEL in job.labels:
            raise SupersededError(
                f"A later try of this task has taken over (job {job_id}); this one stops writing. If there is no later "
                "try, an earlier run of the same name left the mark: the next try will pass it."
            )
        return job, job.labels.get(ATTEMPT_LABEL) == attempt

    def _fence(self, job_id: str) -> bool:
        """Burn a job id. If a job has it, wait until that can change nothing any more, and return ``False``."""
        config = bigquery.QueryJobConfig(labels={**self.labels, FENCE_LABEL: "true"})
        try:
            with explained("Fencing an earlier try"):
                self._insert("SELECT 1", config, job_id)
            return True
        except Conflict:
            job = self._existing(job_id)
        if FENCE_LABEL in job.labels:
            return True
        _outcome(job)
        return False

    def _insert(self, statement: str, config: bigquery.QueryJobConfig, job_id: str) -> bigquery.QueryJob:
        """Submit a job; after a lost request or reply the client posts again, under the same id."""
        return self.client.query(
            statement, job_config=config, job_id=job_id, location=self.location, job_retry=None, timeout=TIMEOUT
        )

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


def _outcome(job: bigquery.QueryJob) -> Exception | None:
    """Wait until a job has ended and return its error, if it failed.

    :raises GoogleAPIError: if that could not be learned: the job may still be running.
    """
    while True:
        try:
            job.result(timeout=TIMEOUT)  # without it, a lost answer would be waited for, for ever
            break
        except concurrent.futures.TimeoutError:
            continue
        except GoogleAPIError:
            # BigQuery answers a question about a failed job like a question that failed; only the job's state tells.
            if not job.done():
                raise
            break
    error: Exception | None = job.exception()
    return error
