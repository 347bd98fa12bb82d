"""Requests to BigQuery: retried where a short wait can help, and ended at once when the load is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import tenacity
from google.api_core.retry import Retry, if_exception_type

from airflow_provider_wxanalysis.bigquery.errors import is_transient
from airflow_provider_wxanalysis.exceptions import WeAnalysisError

T = TypeVar("T")

#: For Google's client: one request, no retries. Between retries of its own it sleeps, and nothing can wake it.
ONCE = Retry(predicate=if_exception_type())

#: Seconds for which a request is retried, as long as Google's client would.
PATIENCE = 600.0


class LoadCancelledError(WeAnalysisError):
    """The task was ended while it was writing."""

    retryable = True


class Calls:
    """Makes requests, and pauses, until it is stopped."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` has been called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """End all pauses, now and from now on, in every thread."""
        self._stopped.set()

    def pause(self, seconds: float) -> None:
        """Wait.

        :raises LoadCancelledError: as soon as the calls are stopped.
        """
        if self._stopped.wait(seconds):
            raise LoadCancelledError("The load was cancelled.")

    def make(
        self,
        request: Callable[[], T],
        *,
        worth_repeating: Callable[[BaseException], bool] = is_transient,
        patience: float = PATIENCE,
    ) -> T:
        """Make a request and return its answer.

        :param request: one request, without retries of its own.
        :param worth_repeating: after which errors it is made again.
        :param patience: seconds for which it is.
        :raises LoadCancelledError: if the calls are stopped.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(worth_repeating),
            stop=tenacity.stop_after_delay(patience),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=30),
            sleep=lambda seconds: self.pause(seconds),
            reraise=True,
        )
        self.pause(0)
        return retrying(request)
