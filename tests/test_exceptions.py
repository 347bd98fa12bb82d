"""Errors: which one a code stands for, what it says, whether it passes, and that it survives pickling."""

from __future__ import annotations

import copy
import datetime as dt
import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wxanalysis import exceptions
from airflow_provider_wxanalysis.exceptions import (
    ERRCODES,
    ConfigurationError,
    CredentialsError,
    DataNotReadyError,
    DateRangeError,
    DestinationError,
    EmptyReportError,
    Failure,
    InvalidTokenError,
    LoadError,
    NotAuthorizedError,
    PayloadError,
    QuotaExceededError,
    RateLimitError,
    ServiceBusyError,
    SupersededError,
    TransportError,
    UnknownAPIError,
    WeAnalysisAPIError,
    WeAnalysisError,
    api_error,
)
from airflow_provider_wxanalysis.periods import Period

RID = "5f2b5a1c-0a1b2c3d-4e5f6071"
DAY = Period(dt.date(2024, 2, 29), dt.date(2024, 2, 29))
SAMPLES = json.loads((Path(__file__).parent / "fixtures" / "errors.json").read_text(encoding="utf-8"))

#: class -> its codes
CODES: dict[type[WeAnalysisAPIError], set[int]] = {
    InvalidTokenError: {40001, 40014, 42001},
    CredentialsError: {
        *(40013, 40125, 40164, 40243, 41002, 41004, 61004, 61023),
        *(89501, 89502, 89503, 89504, 89505, 89506, 89507),
        *range(40230, 40241),
    },
    NotAuthorizedError: {48001, 48004, 48006, 48017, 50002, 50004, 50007, 61003, 61007},
    DateRangeError: {61500, 61501},
    DataNotReadyError: {61503},
    QuotaExceededError: {45009},
    RateLimitError: {45011},
    ServiceBusyError: {-1, 61504},
    WeAnalysisAPIError: {40002, 41001, 43002, 43003, 44002, 47001, 76003, 76021, 76022, 9001001},
}
#: class -> (whether Airflow's retries can mend it, whether the hook itself tries again)
PASSING: dict[type[WeAnalysisAPIError], tuple[bool, bool]] = {
    WeAnalysisAPIError: (False, False),
    UnknownAPIError: (True, False),
    InvalidTokenError: (True, False),
    CredentialsError: (False, False),
    NotAuthorizedError: (False, False),
    DateRangeError: (False, False),
    DataNotReadyError: (True, False),
    QuotaExceededError: (True, False),
    RateLimitError: (True, True),
    ServiceBusyError: (True, True),
}


def error_for(code: int, errmsg: str = f"some text rid: {RID}") -> WeAnalysisAPIError:
    return api_error({"errcode": code, "errmsg": errmsg}, "visit_page", DAY, "wx1")


# --- codes ----------------------------------------------------------------------------------------


def test_the_table_is_complete() -> None:
    assert {code: known.error for code, known in ERRCODES.items()} == {
        code: error for error, codes in CODES.items() for code in codes
    }


@pytest.mark.parametrize("code", ERRCODES)
def test_every_code_says_what_happened_and_what_to_do(code: int) -> None:
    error = error_for(code)
    assert (error.errcode, error.errmsg, error.rid) == (code, "some text", RID)
    assert (error.endpoint, error.period, error.appid) == ("visit_page", DAY, "wx1")
    assert (error.retryable, error.busy) == PASSING[type(error)]
    answer = f"visit_page 2024-02-29 of app wx1: WeChat answered {code} 'some text' (rid {RID}). "
    said, _, remedy = str(error).partition(answer)
    assert not said
    assert len(remedy) > 20
    assert remedy.endswith(".")


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=list(SAMPLES))
def test_documented_replies(sample: dict[str, Any]) -> None:
    error = api_error(sample, "visit_page")
    assert sample["errcode"] in CODES[type(error)]
    assert (error.rid, f"{error.errmsg} rid: {RID}") == (RID, sample["errmsg"])


@pytest.mark.parametrize("code", [1, 40003, 61502, -2, 10**12])
def test_an_unknown_code_may_pass(code: int) -> None:
    error = error_for(code)
    assert type(error) is UnknownAPIError
    assert isinstance(error, WeAnalysisAPIError)
    assert (error.retryable, error.busy) == PASSING[UnknownAPIError]
    assert "not one this package knows" in str(error)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (40001, "auth=stable"),
        (40125, "AppSecret (connection field password) is wrong"),
        (40164, "IP allow-list"),
        (45009, "midnight Asia/Shanghai"),
        (45011, "requests_per_minute"),
        (61501, "Monday to Sunday"),
        (61503, "WeAnalysisDataSensor"),
        (89507, "one hour"),
    ],
)
def test_remedies(code: int, remedy: str) -> None:
    assert remedy in str(error_for(code))


# --- replies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "errmsg", "rid"),
    [
        (f"invalid appid rid: {RID}", "invalid appid", RID),
        (f"invalid appid, rid: {RID}", "invalid appid", RID),
        (f"invalid appid rid:{RID} ", "invalid appid", RID),
        ("invalid credential hint: [req_id! a.b]", "invalid credential", "req_id! a.b"),
        ("invalid ip 203.0.113.7, not in whitelist", "invalid ip 203.0.113.7, not in whitelist", None),
        (f"rid: {RID} is unknown", f"rid: {RID} is unknown", None),
        ("", "", None),
    ],
)
def test_request_ids(text: str, errmsg: str, rid: str | None) -> None:
    error = error_for(40013, text)
    assert (error.errmsg, error.rid) == (errmsg, rid)
    assert (f"(rid {rid})" in str(error)) is (rid is not None)


def test_a_code_may_come_as_text_and_without_message_or_period() -> None:
    error = api_error({"errcode": "-1"}, "/cgi-bin/token")
    assert type(error) is ServiceBusyError
    assert str(error).startswith("/cgi-bin/token: WeChat answered -1 ''. Try again in a few minutes")


@pytest.mark.parametrize("code", [None, "", "x", "4 0", 40001.5, [40001]])
def test_a_code_that_is_no_number(code: object) -> None:
    with pytest.raises(PayloadError, match=r"visit_page: .*errcode that is no number"):
        api_error({"errcode": code}, "visit_page")


# --- the tree -------------------------------------------------------------------------------------


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
        (error_for(40164), False),
        (error_for(61503), True),
        *((error(1, "x"), passing) for error, (passing, _) in PASSING.items()),
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
    failures = (Failure("wx1", None, error_for(40125)), Failure("wx2", None, error_for(61503)))
    error = LoadError("Two apps failed.", failures)
    assert (str(error), error.failures, error.retryable) == ("Two apps failed.", failures, True)
    assert not LoadError("One app failed.", failures[:1]).retryable
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.retryable) == (str(error), True)
    assert [str(failure.error) for failure in twin.failures] == [str(failure.error) for failure in failures]
