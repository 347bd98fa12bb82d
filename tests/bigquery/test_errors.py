"""BigQuery's refusals: which a person must mend, and what to tell that person."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import GoogleAPICallError, from_http_status

from airflow_provider_wxanalysis.bigquery.errors import explained, is_contention
from airflow_provider_wxanalysis.exceptions import DestinationError


def refusal(status, reason, message):
    return from_http_status(status, message, errors=[{"reason": reason, "message": message}])


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (refusal(403, "accessDenied", "Access Denied: Table p:d.t"), "jobUser .* roles/bigquery.dataEditor"),
        (refusal(403, "accessDenied", "Access Denied: Project p: bigquery.jobs.create"), "roles/bigquery.jobUser"),
        (refusal(403, "billingNotEnabled", "DML queries are not allowed in the free tier. Billing"), "a .* sandbox"),
        (refusal(404, "notFound", "Not found: Table p:d.t"), "it does not exist, or .* another location"),
    ],
)
def test_a_person_is_told_what_to_do(error, advice):
    told = pytest.raises(DestinationError, match=f"Table p.d.t: .*{advice}.* BigQuery said: ")
    with told as caught, explained("Table p.d.t"):
        raise error
    assert not caught.value.retryable
    assert not is_contention(error)


@pytest.mark.parametrize(
    "error",
    [
        refusal(403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for free query bytes scanned."),
        refusal(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table"),
        refusal(400, "invalidQuery", "Syntax error"),
        refusal(503, "backendError", "Try again"),
    ],
)
def test_what_nobody_can_mend_passes_unchanged(error):
    with pytest.raises(GoogleAPICallError) as caught, explained("Table p.d.t"):
        raise error
    assert caught.value is error
