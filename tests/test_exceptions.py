"""Errors: their tree, whether they pass, and that they survive pickling."""

from __future__ import annotations

import copy
import datetime as dt
import inspect
import pickle

import pytest

from airflow_provider_wxanalysis import exceptions
from airflow_provider_wxanalysis.exceptions import (
    ConfigurationError,
    CredentialsError,
    DataNotReadyError,
    DestinationError,
    EmptyReportError,
    Failure,
    LoadError,
    PayloadError,
    SupersededError,
    TransportError,
    WeAnalysisError,
)
from airflow_provider_wxanalysis.periods import Period

DAY = Period(dt.date(2024, 2, 29), dt.date(2024, 2, 29))
CREDENTIALS = CredentialsError(40164, "x", "rid", "visit_page", DAY, "wx1", "Add the IP.")
NOT_READY = DataNotReadyError(61503, "x", "rid", "visit_page", DAY, "wx1", "Wait.")


def test_the_tree_is_the_one_drawn_in_the_docstring() -> None:
    drawn: dict[str, str] = {}
    above: dict[int, str] = {-2: "Exception"}
    for line in (exceptions.__doc__ or "").partition("::\n\n")[2].partition("\n\n")[0].splitlines():
        indent, name = len(line) - len(line.lstrip()) - 4, line.split()[0]
        drawn[name] = above[indent - 2]
        above[indent] = name
    classes = dict(inspect.getmembers(exceptions, lambda member: inspect.isclass(member)))
    assert drawn == {
        name: found.__base__.__name__ for name, found in classes.items() if issubclass(found, WeAnalysisError)
    }


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (WeAnalysisError("x"), False),
        (ConfigurationError("x"), False),
        (TransportError("x"), True),
        (TransportError("x", busy=False), True),
        (PayloadError("x"), False),
        (EmptyReportError("x", retryable=True), True),
        (EmptyReportError("x", retryable=False), False),
        (DestinationError("x"), False),
        (DestinationError("x", retryable=True), True),
        (SupersededError("x"), True),
        (CREDENTIALS, False),
        (NOT_READY, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_say_whether_they_pass_and_survive_pickling(error: WeAnalysisError, retryable: bool) -> None:
    assert error.retryable is retryable
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert (str(twin), twin.args, vars(twin)) == (str(error), error.args, vars(error))
        assert twin.retryable is retryable


def test_a_configuration_error_is_a_value_error() -> None:
    assert issubclass(ConfigurationError, ValueError)


def test_a_load_error_holds_what_failed_and_survives_pickling() -> None:
    failures = (Failure("wx1", None, CREDENTIALS), Failure("wx2", None, NOT_READY))
    error = LoadError("Two apps failed.", failures)
    assert (str(error), error.failures, error.retryable) == ("Two apps failed.", failures, True)
    assert not LoadError("One app failed.", failures[:1]).retryable
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.retryable) == (str(error), True)
    assert [str(failure.error) for failure in twin.failures] == [str(failure.error) for failure in failures]
