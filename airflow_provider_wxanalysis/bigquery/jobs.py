"""Running statements so that a dead worker, a lost reply or a late request never leads to a second write.

.. seealso:: https://cloud.google.com/bigquery/docs/running-jobs
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tenacity
from google.api_core.exceptions import Conflict, GoogleAPIError
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.calls import ONCE, Calls
from airflow_provider_wxanalysis.bigquery.clients import TIMEOUT
from airflow_provider_wxanalysis.bigquery.errors import TRANSPORT_ERRORS, explained, is_contention
from airflow_provider_wxanalysis.bigquery.identity import TaskIdentity
from airflow_provider_wxanalysis.bigquery.journal import ATTEMPT_LABEL, TRY_LABEL, Journal
from airflow_provider_wxanalysis.bigquery.names import TableName

log = logging.getLogger(__name__)

ATTEMPTS = 8
#: Seconds to wait for the answer to a request to cancel, which comes while a task is being ended.
CANCEL_TIMEOUT = 3.0

Parameter = bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter


class Jobs:
    """The jobs of one try on one table.

    :param client: BigQuery client; its project runs the jobs.
    :param location: the dataset's location.
    :param identity: who runs them.
    :param table: the table.
    :param labels: labels for every job.
    """

    def __init__(
        self,
        client: bigquery.Client,
        location: str | None,
        identity: TaskIdentity,
        table: TableName,
        labels: Mapping[str, str],
    ) -> None:
        self.client = client
        self.location = location
        self.labels = {**identity.labels, **labels}
        self._table = table
        self.calls = Calls()
        self._journal = Journal(client, location, identity, table, self.calls)
        self._own = {ATTEMPT_LABEL: secrets.token_hex(8), TRY_LABEL: str(identity.try_number)}
        self._serial = 0
        self._submitted: str | None = None
        self._running = False

    def run(self, statement: str, parameters: Callable[[str], Sequence[Parameter]]) -> str:
        """Run a statement to its end and return the id of the job that did it.

        :param statement: SQL.
        :param parameters: makes the parameters from the job's id.
        :raises SupersededError: if a later try has begun to write.
        :raises DestinationError: if BigQuery refuses for a reason that only a person can remove.
        :raises LoadCancelledError: if :meth:`cancel` is called meanwhile.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_contention),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_random_exponential(multiplier=1, max=60),
            before_sleep=lambda state: log.warning(
                "BigQuery is busy and will be asked again. It said: %s",
                state.outcome and state.outcome.exception(),
            ),
            sleep=lambda seconds: self.calls.pause(seconds),
            reraise=True,
        )
        with explained(f"Writing to {self._table}"):
            return retrying(self._run_once, statement, parameters)

    def query(self, statement: str, parameters: Sequence[Parameter]) -> list[Any]:
        """Run a query that changes nothing and return its rows."""
        config = bigquery.QueryJobConfig(query_parameters=parameters, labels=self.labels)
        with explained(f"Reading from {self._table}"):
            return self.calls.make(
                lambda: list(
                    self.client.query_and_wait(
                        statement, job_config=config, location=self.location, api_timeout=TIMEOUT, retry=ONCE
                    )
                )
            )

    def cancel(self) -> None:
        """Stop: cancel the statement that is running, if one is, and have every waiting thread end.

        Can be called from any thread and from a signal handler, and more than once.
        """
        self.calls.stop()
        job_id, self._submitted = self._submitted, None  # or a thread that ends meanwhile would ask a second time
        if job_id is None:
            return
        try:
            if self._running or self._journal.holds(self._serial, self._own):
                self.client.cancel_job(job_id, location=self.location, retry=ONCE, timeout=CANCEL_TIMEOUT)
                log.info("BigQuery was asked to cancel job %s.", job_id)
            else:
                self._submitted = job_id
        except (GoogleAPIError, *TRANSPORT_ERRORS) as error:
            self._submitted = job_id
            log.warning("BigQuery job %s could not be cancelled and may still finish: %s", job_id, error)

    def _run_once(self, statement: str, parameters: Callable[[str], Sequence[Parameter]]) -> str:
        while True:
            job_id = self._journal.job_id(self._serial)
            if self._submit(job_id, statement, parameters(job_id)):
                break
        error = self._journal.outcome(job_id)
        self._submitted, self._running = None, False
        # Not before: the numbers must have no gaps, and two jobs of one try must never run at once.
        self._serial += 1
        if error is not None:
            raise error
        return job_id

    def _submit(self, job_id: str, statement: str, parameters: Sequence[Parameter]) -> bool:
        """Submit under ``job_id``; if another process has taken it, move to the next free number and return False."""
        config = bigquery.QueryJobConfig(query_parameters=parameters, labels={**self.labels, **self._own})
        self._submitted, self._running = job_id, False
        try:
            self.calls.make(
                lambda: self.client.query(
                    statement,
                    job_config=config,
                    job_id=job_id,
                    location=self.location,
                    retry=ONCE,
                    job_retry=None,
                    timeout=TIMEOUT,
                )
            )
        except Conflict:  # of another process, or of our own: a reply was lost
            entry = self._journal.taken(self._serial)
            if not entry.carries(self._own):
                self._submitted = None
                self._serial = self._journal.next_free(self._serial, entry)
                return False
        self._running = True
        if self.calls.stopped:  # while the request was under way, so that it could not be cancelled yet
            self._submitted = job_id
            self.cancel()
        return True
