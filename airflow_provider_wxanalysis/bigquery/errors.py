"""BigQuery's refusals, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import BadRequest, Forbidden, GoogleAPICallError, NotFound, TooManyRequests

from airflow_provider_wxanalysis.exceptions import DestinationError

# None of these is in the client's own list of what to try again, because the job has to be submitted anew.
_CONTENTION = re.compile(
    r"could not serialize access|too many dml statements outstanding|exceeded rate limits|"
    r"aborted due to concurrent update|job exceeded rate limits",
    re.IGNORECASE,
)
_CONTENTION_REASONS = {"rateLimitExceeded", "jobRateLimitExceeded", "backendError", "internalError", "jobBackendError"}


def is_contention(error: BaseException) -> bool:
    """Whether a job failed because others were changing the table, or BigQuery was busy: submit it again."""
    if not isinstance(error, GoogleAPICallError):
        return False
    contended = _reasons(error) & _CONTENTION_REASONS or _CONTENTION.search(str(error))
    return isinstance(error, TooManyRequests) or bool(contended)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn refusals that a person must mend into :class:`DestinationError`; let everything else pass.

    :param doing: what was being done, for the message.
    """
    try:
        yield
    except (Forbidden, NotFound, BadRequest) as error:
        advice = _advice(error)
        if advice is None or is_contention(error):
            raise
        raise DestinationError(f"{doing}: {advice} BigQuery said: {error.message}") from error


def _advice(error: GoogleAPICallError) -> str | None:
    text = str(error)
    if "billing" in text.lower() and isinstance(error, Forbidden):
        return (
            "the project is a BigQuery sandbox, which has no DML, and replacing rows needs it. Turn on billing "
            "(the loads of this package stay within the free tier of most projects)."
        )
    if "quotaExceeded" in _reasons(error):  # time mends it, and BigQuery's words say which quota
        return None
    if isinstance(error, Forbidden):
        return (
            "the credentials lack a permission. They need roles/bigquery.jobUser on the project that runs the jobs and "
            "roles/bigquery.dataEditor on the dataset."
        )
    if isinstance(error, NotFound) and "not found: job" not in text.lower():  # a new job may be unknown for a moment
        return "it does not exist, or the job ran in another location than the dataset's."
    return None


def _reasons(error: GoogleAPICallError) -> set[str]:
    return {detail.get("reason", "") for detail in error.errors if isinstance(detail, dict)}
