"""One error for everything that a load could not get."""

from __future__ import annotations

import datetime as dt
import traceback

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wxanalysis.exceptions import DataNotReadyError, Failure, LoadError
from airflow_provider_wxanalysis.periods import DAY
from airflow_provider_wxanalysis.tasks.base import fail_for_good
from airflow_provider_wxanalysis.tasks.failures import combined
from airflow_provider_wxanalysis.wechat.errcodes import api_error

DAYS = [DAY.ending(dt.date(2026, 3, day)) for day in range(1, 31)]
LOADED = "In p.d.daily_summary: 412 periods."


def failure(appid, period, errcode):
    error = api_error({"errcode": errcode, "errmsg": "no"}, "daily_summary", period, appid)
    assert error is not None
    return Failure(appid, period, error)


def test_a_lone_failure_is_raised_itself():
    lone = failure("wx1", DAYS[0], 61501)
    assert combined([lone], "daily_summary", LOADED) is lone.error


def test_one_line_for_each_kind_those_first_that_no_retry_mends():
    failures = [failure("wx1", day, 45009) for day in DAYS]
    failures += [failure(f"wx{number}", DAYS[0], 40125) for number in range(2, 9)]
    error = combined(failures, "daily_summary", LOADED)
    assert isinstance(error, LoadError)
    assert (error.retryable, len(error.failures)) == (True, 37)
    head, credentials, quota, tail = str(error).split("\n")
    assert head == "daily_summary: 37 periods of 8 apps could not be loaded."
    assert credentials.startswith(
        "- 7 apps (wx2, wx3, wx4, wx5, wx6 and 2 more), 2026-03-01: CredentialsError: daily_summary 2026-03-01 of app "
    )
    assert quota.startswith("- app wx1, 2026-03-01 to 2026-03-30 (30 periods): QuotaExceededError: ")
    assert tail.startswith(f"{LOADED} The next try asks only for what is missing; those at the top stay missing until")


def test_what_to_do_depends_on_what_failed():
    final, passing = [failure("wx1", day, 61501) for day in DAYS], [failure("wx2", day, 61503) for day in DAYS]
    error = combined(final, "daily_summary", LOADED)
    assert not error.retryable
    assert str(error).endswith("A retry cannot fix these: do what the lines above say, then clear the task.")
    assert str(combined(passing, "x", LOADED)).endswith(f"{LOADED} The next try asks only for what is missing.")


def test_five_hundred_apps_with_every_kind_of_error_fit_on_a_screen():
    codes = (40125, 40164, 48001, 61501, 45009, 61503, -1)
    failures = [failure(f"wx{number:016}", day, codes[number % 7]) for number in range(500) for day in DAYS]
    text = str(combined(failures, "daily_summary", LOADED))
    assert "15,000 periods of 500 apps" in text
    assert "and 2 other kinds of errors" in text
    assert len(text) < 3000
    assert text.count("\n") == 7


def _deep(levels, error):
    if levels:
        _deep(levels - 1, error)
    raise error


@pytest.mark.parametrize(("errcode", "kind"), [(61503, DataNotReadyError), (48001, AirflowFailException)])
def test_airflow_shows_the_sentence_last_and_once(errcode, kind):
    """With thirty frames of threads and libraries above it, it would not be read."""
    error = failure("wx1", DAYS[0], errcode).error
    with pytest.raises(kind) as caught, fail_for_good():
        _deep(30, error)
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count(str(error)) == 1
    assert shown.rstrip().endswith(str(error))
    assert shown.count("  File ") < 5
