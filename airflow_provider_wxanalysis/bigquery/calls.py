"""Requests to BigQuery: tried again where a moment's wait can help, and ended at once when the load is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import tenacity
from google.api_core.retry import Retry, if_exception_type

from airflow_provider_wxanalysis.bigquery.errors import is_transient
from airflow_provider_wxanalysis.exceptions import WeAnalysisError

T = TypeVar("T")

#: For Google's client: one request and no retries. It sleeps between its own, and nothing can wake it.
ONCE = Retry(predicate=if_exception_type())

#: How long a request is repeated, in seconds; as long as Google's client does it.
PATIENCE = 600.0


class LoadCancelledError(WeAnalysisError):
    """The task was told to end while it was writing."""

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

    def make(self, request: Callable[[], T]) -> T:
        """Make a request and return its answer.

        :raises LoadCancelledError: if the calls are stopped.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_transient),
            stop=tenacity.stop_after_delay(PATIENCE),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=30),
            sleep=lambda seconds: self.pause(seconds),
            reraise=True,
        )
        self.pause(0)
        return retrying(request)
