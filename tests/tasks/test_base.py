"""How errors of the package end a task: in a few lines of log, with the sentence last, and once."""

from __future__ import annotations

import logging
import traceback

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wxanalysis.exceptions import ConfigurationError, TransportError, WeAnalysisError
from airflow_provider_wxanalysis.tasks.base import fail_for_good


def deep(error: Exception, frames: int = 30) -> None:
    if frames:
        deep(error, frames - 1)
    try:
        raise KeyError("what a library met first")
    except KeyError:
        raise error  # noqa: B904 -- as it happens


@pytest.mark.parametrize(
    ("error", "kind"),
    [(TransportError("daily_summary: no reply."), TransportError), (ConfigurationError("bad"), AirflowFailException)],
)
def test_an_error_s_traceback_begins_where_the_task_does(
    error: WeAnalysisError, kind: type, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(kind) as caught, fail_for_good():
        deep(error)
    lines = "".join(traceback.format_exception(caught.value)).splitlines()
    assert len(lines) < 12
    assert lines[-1].endswith(str(error))
    assert sum(str(error) in line for line in lines) == 1
    assert "what a library met first" in caplog.text, "for whoever looks for it"


def test_other_exceptions_pass_whole() -> None:
    with pytest.raises(ZeroDivisionError) as caught, fail_for_good():
        deep(ZeroDivisionError())
    assert len(traceback.extract_tb(caught.value.__traceback__)) > 30
