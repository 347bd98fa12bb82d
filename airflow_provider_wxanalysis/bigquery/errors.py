"""BigQuery's refusals, in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import requests.exceptions
from google.api_core.exceptions import (
    BadGateway,
    BadRequest,
    Forbidden,
    GatewayTimeout,
    GoogleAPICallError,
    InternalServerError,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)
from google.auth.exceptions import RefreshError, TransportError

from airflow_provider_wxanalysis.exceptions import DestinationError

#: No answer, or a broken one.
TRANSPORT_ERRORS = (
    ConnectionError,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    TransportError,
)
_BUSY = (TooManyRequests, InternalServerError, BadGateway, ServiceUnavailable, GatewayTimeout)
_BUSY_REASONS = {"rateLimitExceeded", "backendError", "internalError", "badGateway"}

# Google's client tries none of these again, because the statement has to be submitted as a new job.
_CONTENTION = re.compile(
    r"could not serialize access|too many dml statements outstanding|exceeded rate limits|"
    r"aborted due to concurrent update|job exceeded rate limits",
    re.IGNORECASE,
)
_CONTENTION_REASONS = {"rateLimitExceeded", "jobRateLimitExceeded", "backendError", "internalError", "jobBackendError"}


class Refusal(NamedTuple):
    """A refusal that BigQuery repeats until a person has done something.

    :param says: a pattern to find in BigQuery's reason or words, whatever their case.
    :param advice: what to do.
    :param kinds: the errors in which it counts.
    """

    says: str
    advice: str
    kinds: tuple[type[GoogleAPICallError], ...] = (Forbidden, BadRequest)


_NO_JOB = r"^(?!.*not found: job)"  # a new job may be unknown for a moment
#: The first match counts.
REFUSALS = (
    Refusal(
        r"vpc service controls|vpcServiceControls|organization's policy",
        "Ask whoever administers the VPC Service Controls perimeter to let this worker's service account and network "
        "call BigQuery.",
    ),
    Refusal(
        r"api has not been used|accessNotConfigured|SERVICE_DISABLED|api .*is disabled",
        "Enable the BigQuery API in the project that runs the jobs: gcloud services enable bigquery.googleapis.com "
        "--project PROJECT.",
    ),
    Refusal(
        r"bytesBilledLimitExceeded|exceeded limit for bytes billed",
        "Raise the limit on bytes billed that the project or its reservation sets; BigQuery bills at least 10 MB per "
        "table and statement.",
    ),
    Refusal(
        r"row.{0,7}access polic",
        "Give the service account a row access policy with the filter TRUE on this table: DML must see all rows.",
    ),
    Refusal(
        r"without a filter over column|require_partition_filter",
        "Partition the table by day on begin_date, or drop the demand for a partition filter: bq update "
        "--norequire_partition_filter.",
    ),
    Refusal(
        r"has maximum length",
        "Drop the limit on the length of the table's column: ALTER TABLE … ALTER COLUMN … SET DATA TYPE STRING.",
    ),
    Refusal(
        r"billing",
        "Turn on billing for the project that runs the jobs: it is a BigQuery sandbox, which has no DML, and replacing "
        "rows needs DML. The loads of this package stay within the free tier of most projects.",
    ),
    Refusal(
        r".*",
        "Give the credentials roles/bigquery.jobUser on the project that runs the jobs and roles/bigquery.dataEditor "
        "on the dataset.",
        (Forbidden, Unauthorized),
    ),
    Refusal(
        _NO_JOB,
        "Check that the dataset exists, and that location, if it is set, is the dataset's.",
        (NotFound,),
    ),
)
_KEY_REFUSED = (
    "Google refuses these credentials. Make a new key for the service account, or check that it exists, is "
    "enabled and may be impersonated; then update the Google Cloud connection or the worker's own credentials."
)


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, GoogleAPICallError):
        return isinstance(error, _BUSY) or bool(_reasons(error) & _BUSY_REASONS)
    return isinstance(error, TRANSPORT_ERRORS)


def is_contention(error: BaseException) -> bool:
    """Whether a job failed because others were changing the table, or BigQuery was busy: submit it again."""
    if not isinstance(error, GoogleAPICallError):
        return False
    contended = _reasons(error) & _CONTENTION_REASONS or _CONTENTION.search(str(error))
    return isinstance(error, TooManyRequests) or bool(contended)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn refusals that last until a person acts into :class:`DestinationError`; let everything else pass.

    :param doing: what was being done, for the message.
    """
    try:
        yield
    except RefreshError as error:
        if error.retryable:
            raise
        said = str(error.args[0] if error.args else error).rstrip(".")
        raise DestinationError(f"{doing}: Google said: {said}. {_KEY_REFUSED}") from error
    except GoogleAPICallError as error:
        advice = advice_for(error)
        if advice is None:
            raise
        raise DestinationError(f"{doing}: BigQuery said: {own_words(error)}. {advice}") from error


def advice_for(error: GoogleAPICallError) -> str | None:
    """Return what a person should do about a refusal; ``None`` if waiting may help, or no advice is known."""
    reasons = _reasons(error)
    if is_contention(error) or is_transient(error) or "quotaExceeded" in reasons:  # BigQuery says which quota
        return None
    text = " ".join([*reasons, str(error)])
    for refusal in REFUSALS:
        if isinstance(error, refusal.kinds) and re.search(refusal.says, text, re.IGNORECASE | re.DOTALL):
            return refusal.advice
    return None


def own_words(error: GoogleAPICallError) -> str:
    """Return BigQuery's own words, without the URL, location and job id that the client puts around them."""
    details = [detail["message"] for detail in error.errors if isinstance(detail, dict) and detail.get("message")]
    return str(details[0] if details else error.message).strip().rstrip(".")


def _reasons(error: GoogleAPICallError) -> set[str]:
    return {detail.get("reason", "") for detail in error.errors if isinstance(detail, dict)}
