"""When to try a failed task again: by what went wrong, not by one delay for all. For Airflow 3.3 and later.

.. seealso:: https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/tasks.html#retries
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_wxanalysis.exceptions import (
    DataNotReadyError,
    EmptyReportError,
    LoadError,
    QuotaExceededError,
    RateLimitError,
    WeAnalysisError,
)
from airflow_provider_wxanalysis.periods import SHANGHAI

try:
    from airflow.providers.common.compat.sdk import RetryDecision, RetryPolicy
except ImportError as error:
    raise AirflowOptionalProviderFeatureException(
        "WeAnalysisRetryPolicy needs Airflow 3.3 or later. Before that, give the task retries some 30 minutes apart; "
        "errors that no retry can fix end it at once either way."
    ) from error

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

NOT_READY_DELAY = dt.timedelta(minutes=30)
#: WeChat counts by the minute, and the hook has retried for several minutes already.
RATE_LIMIT_DELAY = dt.timedelta(minutes=2)
#: A little after midnight, since WeChat's clock is not this machine's.
_AFTER_MIDNIGHT = dt.timedelta(minutes=5)


class WeAnalysisRetryPolicy(RetryPolicy):
    """Choose the delay before the next try, or none, by the error; give it as an operator's ``retry_policy``.

    Not published yet: 30 minutes. Rate limit: two minutes, when the minute's limit has been reset. Quota used up: after
    midnight in Asia/Shanghai, when a new one starts. What no retry can fix, credentials above all: never. All else:
    the task's own ``retry_delay``. Where several apps or periods of one load failed, the soonest of these that can
    help. The number of tries stays the task's ``retries``.

    .. seealso:: https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/tasks.html#retries
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Return whether and when to try again.

        :param exception: what ended the task.
        :param try_number: number of the try that failed, from 1.
        :param max_tries: how many there may be.
        :param context: Airflow's context.
        """
        if isinstance(exception, LoadError):
            worth_it = [failure.error for failure in exception.failures if failure.error.retryable]
            if worth_it:
                own = context["task"].retry_delay if context else dt.timedelta(0)
                return min(map(_decision, worth_it), key=lambda each: each.retry_delay or own)
        return _decision(exception)

    def serialize(self) -> dict[str, Any]:
        """Return what a serialized DAG shows of the policy; it has no settings."""
        return {"__type": f"{type(self).__module__}.{type(self).__qualname__}"}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> WeAnalysisRetryPolicy:
        """Return a policy."""
        return cls()


def _decision(error: BaseException) -> RetryDecision:
    reason = type(error).__name__
    if isinstance(error, WeAnalysisError) and not error.retryable:
        return RetryDecision.fail(f"{reason}: no retry can fix it")
    if isinstance(error, (DataNotReadyError, EmptyReportError)):
        return RetryDecision.retry(NOT_READY_DELAY, f"{reason}: WeChat has not published yet")
    if isinstance(error, RateLimitError):
        return RetryDecision.retry(RATE_LIMIT_DELAY, f"{reason}: the limit is by the minute")
    if isinstance(error, QuotaExceededError):
        now = pendulum.now(SHANGHAI)
        midnight = now.add(days=1).start_of("day") + _AFTER_MIDNIGHT
        return RetryDecision.retry(midnight - now, f"{reason}: a new quota starts at midnight")
    return RetryDecision.default()
