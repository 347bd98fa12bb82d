"""What operators, sensor and transfer share: an endpoint, a connection, and the periods of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wxanalysis.endpoints import Endpoint, resolve
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.periods import SHANGHAI, Period
from airflow_provider_wxanalysis.runs import explicit_periods, run_periods

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook


class EndpointTask:
    """The arguments that say what to ask WeChat for, and what follows from them.

    A mixin for operators; they store the arguments and call :meth:`check_literals` at the end of their constructor.
    """

    endpoint: str
    endpoint_options: Mapping[str, Any] | None
    weanalysis_conn_id: str
    from_date: str | None
    to_date: str | None

    endpoint_template_fields = ("weanalysis_conn_id", "from_date", "to_date")

    def check_literals(self) -> None:
        """Refuse what cannot work, as far as it is known before templates are rendered.

        :raises ConfigurationError: so that Airflow shows it as the DAG file's import error.
        """
        entry = self.entry
        if is_literal(self.from_date) and is_literal(self.to_date) and (self.from_date or self.to_date):
            explicit_periods(entry.window, self.from_date, self.to_date, pendulum.now(SHANGHAI))

    @property
    def entry(self) -> Endpoint:
        """The catalogue's entry, with the endpoint's options applied."""
        return resolve(self.endpoint, self.endpoint_options)

    @cached_property
    def hook(self) -> WeAnalysisHook:
        """The way to WeChat."""
        from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook

        return WeAnalysisHook(self.weanalysis_conn_id)

    def due_periods(self, context: Mapping[str, Any]) -> list[Period]:
        """Return the periods that this run owes.

        :raises AirflowSkipException: if it owes none.
        """
        return run_periods(self.entry, context, self.from_date, self.to_date)


def is_literal(value: object) -> bool:
    """Whether an argument is known when the DAG is parsed: no template and no output of another task."""
    return value is None or (isinstance(value, str) and "{{" not in value and "{%" not in value)


@contextmanager
def fail_for_good() -> Iterator[None]:
    """End the task at once, without Airflow's retries, on an error that no retry can mend."""
    try:
        yield
    except WeAnalysisError as error:
        if error.retryable:
            raise
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error
