"""The jobs that a task instance has submitted, in order: a list that BigQuery keeps.

BigQuery takes a job id once. All tries of a task instance draw their ids from one sequence, n0, n1, n2 …, and each
submits under the first number that is free, after the job of the number before has ended. So the sequence has no gaps,
and a job under a number guarantees two things: no request that an earlier try has sent, however late it
arrives, can run any more (its number is taken), and no earlier try that is still alive can write any more (it meets the
newer try's job, and stops). No extra job is needed for that; and where no try has written yet, no request either.

.. seealso:: https://cloud.google.com/bigquery/docs/running-jobs#generate-jobid
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import tenacity
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.calls import ONCE, Calls
from airflow_provider_wxanalysis.bigquery.clients import TIMEOUT
from airflow_provider_wxanalysis.bigquery.errors import TRANSPORT_ERRORS, own_words
from airflow_provider_wxanalysis.bigquery.identity import TaskIdentity
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.exceptions import DestinationError, SupersededError

ATTEMPT_LABEL = "weanalysis_attempt"
TRY_LABEL = "weanalysis_try"
#: Seconds that BigQuery holds back its answer while a job runs: how late at most a waiting thread notices its end.
POLL_SECONDS = 4.0
_LOOKS = 8


class Entry(NamedTuple):
    """A job of the sequence."""

    labels: Mapping[str, str]
    created: dt.datetime
    done: bool

    def carries(self, labels: Mapping[str, str]) -> bool:
        """Whether the job has all of these labels."""
        return labels.items() <= self.labels.items()


@dataclass
class Journal:
    """The sequence of one task instance's jobs on one table.

    :param client: BigQuery client; its project runs the jobs.
    :param location: the dataset's location.
    :param identity: who is looking.
    :param table: the table.
    :param calls: makes the requests.
    """

    client: bigquery.Client
    location: str | None
    identity: TaskIdentity
    table: TableName
    calls: Calls

    def job_id(self, serial: int) -> str:
        """Return the id of a number."""
        return self.identity.job_id(self.table, serial)

    def taken(self, serial: int) -> Entry:
        """Return a job that BigQuery says exists; for a moment it may still answer 404."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(NotFound),
            stop=tenacity.stop_after_attempt(_LOOKS),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
            sleep=lambda seconds: self.calls.pause(seconds),
            reraise=True,
        )
        return retrying(self._read, serial)

    def holds(self, serial: int, labels: Mapping[str, str]) -> bool:
        """Look once, without retries, whether a number's job exists and carries these labels."""
        try:
            return self._look(serial).carries(labels)
        except NotFound:
            return False

    def next_free(self, serial: int, entry: Entry) -> int:
        """Return the first free number after one that is taken, as soon as the job of the last one has ended.

        Numbers have no gaps, so it takes about two requests for every doubling of how many there are.

        :param serial: a number that is taken.
        :param entry: its job.
        :raises SupersededError: if a later try of the same run has begun to write.
        """
        step = 1
        while found := self._find(serial + step):
            serial, entry, step = serial + step, found, step * 2
        free = serial + step
        while free - serial > 1:
            middle = (serial + free) // 2
            if found := self._find(middle):
                serial, entry = middle, found
            else:
                free = middle
        self._check(serial, entry)
        if not entry.done:
            self.outcome(self.job_id(serial))
        return free

    def outcome(self, job_id: str) -> Exception | None:
        """Wait until a job has ended and return its error, if it failed.

        :raises LoadCancelledError: if the load is cancelled meanwhile.
        :raises GoogleAPIError: if that cannot be found out: the job may still be running.
        """
        while True:
            self.calls.pause(0)
            asked = time.monotonic()
            try:
                # Not jobs.get: its answer holds the statement's parameters, megabytes of rows.
                answer = self._get(f"queries/{job_id}", maxResults=0, timeoutMs=int(POLL_SECONDS * 1000))
            except (GoogleAPIError, *TRANSPORT_ERRORS):
                # BigQuery reports a failed job like a request that failed; the job's state shows which it was.
                job = self.calls.make(
                    lambda: self.client.get_job(job_id, location=self.location, retry=ONCE, timeout=TIMEOUT)
                )
                if job.state == "DONE":
                    failure: Exception | None = job.exception()  # type: ignore[no-untyped-call]
                    return failure
            else:
                if answer["jobComplete"]:
                    return None
            self.calls.pause(max(0.0, 1 - (time.monotonic() - asked)))

    def _check(self, serial: int, entry: Entry) -> None:
        """Stop this try if a later one has taken over; jobs of an earlier run of the same name do not count."""
        later = int(entry.labels.get(TRY_LABEL, 0)) > self.identity.try_number
        if later and entry.created > self.identity.started_at:
            raise SupersededError(
                f"A later try of this task began to write at {entry.created:%Y-%m-%d %H:%M:%S} UTC "
                f"(job {self.job_id(serial)}); this one stops. Nothing is left to do: the later try loads everything."
            )

    def _find(self, serial: int) -> Entry | None:
        try:
            return self._read(serial)
        except NotFound:
            return None

    def _read(self, serial: int) -> Entry:
        try:
            return self.calls.make(lambda: self._look(serial))
        except Forbidden as error:
            raise DestinationError(
                f"These credentials may not see job {self.job_id(serial)} of project {self.client.project} "
                f"({own_words(error)}): a run of the same name has loaded the same table with another service account, "
                "from here or another Airflow. Grant roles/bigquery.resourceAdmin on that project, or load with "
                "the same account as before, or give the other Airflow a base_url of its own."
            ) from None

    def _look(self, serial: int) -> Entry:
        fields = "configuration/labels,statistics/creationTime,status/state"
        job = self._get(f"jobs/{self.job_id(serial)}", fields=fields)
        created = dt.datetime.fromtimestamp(int(job["statistics"]["creationTime"]) / 1000, dt.UTC)
        return Entry(job["configuration"].get("labels", {}), created, job["status"]["state"] == "DONE")

    def _get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Make a request that the client's own methods cannot: for some fields only, or with a time limit."""
        if self.location:
            parameters["location"] = self.location
        answer: dict[str, Any] = self.client._connection.api_request(
            method="GET",
            path=f"/projects/{self.client.project}/{path}",
            query_params=parameters,
            timeout=TIMEOUT,
        )
        return answer
