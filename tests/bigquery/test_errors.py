"""BigQuery's refusals: which a person must remove, and what that person is told."""

from __future__ import annotations

import pytest
import requests.exceptions
from google.api_core.exceptions import GoogleAPICallError, from_http_status
from google.auth.exceptions import RefreshError, TransportError

from airflow_provider_wxanalysis.bigquery.errors import REFUSALS, explained, is_contention, is_transient
from airflow_provider_wxanalysis.exceptions import DestinationError


def refusal(status, reason, message):
    return from_http_status(status, message, errors=[{"reason": reason, "message": message}])


#: What BigQuery says, and what has to be said about it.
LASTING = [
    (403, "accessDenied", "Access Denied: Table p:d.t", "roles/bigquery.dataEditor on the dataset"),
    (403, "accessDenied", "Access Denied: Project p: bigquery.jobs.create", "roles/bigquery.jobUser on the project"),
    (403, "billingNotEnabled", "DML queries are not allowed in the free tier. Billing", "Turn on billing"),
    (404, "notFound", "Not found: Table p:d.t", "Check that the dataset exists"),
    (403, "accessNotConfigured", "BigQuery API has not been used in project 1 before or it is disabled.", "Enable the"),
    (403, "vpcServiceControls", "VPC Service Controls: Request is prohibited by organization's policy.", "perimeter"),
    (400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 1000000.", "Raise the limit"),
    (403, "accessDenied", "Access Denied: DML on a table with row access policies", "the filter TRUE"),
    (
        400,
        "invalidQuery",
        "Cannot query over table 't' without a filter over column(s) 'd'",
        "by day on begin_date",
    ),
    (400, "invalidQuery", "STRING(10) has maximum length 10 but got a value with length 14", "SET DATA TYPE STRING"),
]


@pytest.mark.parametrize(("status", "reason", "message", "advice"), LASTING, ids=[case[3][:12] for case in LASTING])
def test_a_person_is_told_what_happened_and_then_what_to_do(status, reason, message, advice):
    error = refusal(status, reason, message)
    with pytest.raises(DestinationError) as caught, explained("Table p.d.t"):
        raise error
    text = str(caught.value)
    assert text.startswith(f"Table p.d.t: BigQuery said: {message.rstrip('.')}. ")
    assert advice in text.removeprefix(f"Table p.d.t: BigQuery said: {message.rstrip('.')}. ")
    assert not caught.value.retryable
    assert not is_contention(error)
    assert not is_transient(error)


def test_every_refusal_has_a_case_of_its_own():
    told = {refusal.advice for refusal in REFUSALS}
    for status, reason, message, _ in LASTING:
        with pytest.raises(DestinationError) as caught, explained("x"):
            raise refusal(status, reason, message)
        told -= {advice for advice in told if str(caught.value).endswith(advice)}
    assert not told


def test_a_revoked_key_ends_the_task():
    error = RefreshError("invalid_grant: Invalid JWT Signature.", {"error": "invalid_grant"})
    refused = pytest.raises(DestinationError, match=r"Google said: invalid_grant: Invalid JWT Signature\. Google ref")
    with refused, explained("Table p.d.t"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        refusal(403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for free query bytes scanned."),
        refusal(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table"),
        refusal(400, "invalidQuery", "Syntax error"),
        refusal(404, "notFound", "Not found: Job p:US.j"),
        refusal(503, "backendError", "Try again"),
        RefreshError("try again", retryable=True),
        TransportError("no route to host"),
    ],
)
def test_what_nobody_can_remove_passes_unchanged(error):
    with pytest.raises((GoogleAPICallError, RefreshError, TransportError)) as caught, explained("Table p.d.t"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (refusal(403, "rateLimitExceeded", "Exceeded rate limits"), True),
        (refusal(500, "internalError", "oops"), True),
        (refusal(502, "badGateway", "oops"), True),
        (refusal(503, "backendError", "oops"), True),
        (from_http_status(504, "oops"), True),
        (from_http_status(429, "slowly"), True),
        (requests.exceptions.ReadTimeout(), True),
        (ConnectionResetError(), True),
        (TransportError("no route to host"), True),
        (refusal(400, "invalidQuery", "Syntax error"), False),
        (refusal(404, "notFound", "Not found: Job p:US.j"), False),
        (ValueError(), False),
    ],
)
def test_what_a_moment_may_cure(error, transient):
    assert is_transient(error) is transient
