"""Error codes: which error each becomes, what it says in two languages, and what a reply may spell."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from airflow_provider_wxanalysis.exceptions import (
    CredentialsError,
    DataNotReadyError,
    DateRangeError,
    InvalidTokenError,
    NotAuthorizedError,
    PayloadError,
    QuotaExceededError,
    RateLimitError,
    ServiceBusyError,
    UnknownAPIError,
    WeAnalysisAPIError,
)
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.wechat.errcodes import AUTHORIZER_ERRCODES, TOKEN_ERRCODES, api_error
from airflow_provider_wxanalysis.wechat.remedies import ERRCODES, UNKNOWN
from tests.support.samples import published

RID = "5f2b5a1c-0a1b2c3d-4e5f6071"
DAY = Period(dt.date(2024, 2, 29), dt.date(2024, 2, 29))
SAMPLES = published("errors")

#: class -> its codes
CODES: dict[type[WeAnalysisAPIError], set[int]] = {
    InvalidTokenError: {40001, 40014, 42001},
    CredentialsError: {
        *(40013, 40125, 40164, 40243, 41002, 41004, 61004, 61023),
        *(61005, 61006, 61011, 61014, 61015, 61024),
        *(89501, 89502, 89503, 89504, 89505, 89506, 89507),
        *range(40230, 40241),
    },
    NotAuthorizedError: {
        *(48001, 48004, 48006, 48017, 50002, 50004, 50007, 61003, 61007),
        *(61016, 61017, 61502, 76003, 76021, 76022),
    },
    DateRangeError: {61500, 61501},
    DataNotReadyError: {61503},
    QuotaExceededError: {45009},
    RateLimitError: {45011},
    ServiceBusyError: {-1, 61504},
    WeAnalysisAPIError: {40002, 40066, 41001, 43002, 43003, 44002, 47001, 9001001},
}
#: class -> (whether Airflow's retries can fix it, whether the hook itself tries again)
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
    error = api_error({"errcode": code, "errmsg": errmsg}, "visit_page", DAY, "wx1")
    assert error is not None
    return error


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
    assert error is not None
    assert sample["errcode"] in CODES[type(error)]
    assert (error.rid, f"{error.errmsg} rid: {RID}") == (RID, sample["errmsg"])


@pytest.mark.parametrize("code", [1, 40003, 61552, -2, 10**12])
def test_an_unknown_code_may_pass(code: int) -> None:
    error = error_for(code)
    assert type(error) is UnknownAPIError
    assert isinstance(error, WeAnalysisAPIError)
    assert (error.retryable, error.busy) == PASSING[UnknownAPIError]
    assert "look it up in WeChat's table, https://developers.weixin.qq.com/" in str(error)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (40001, "auth=stable"),
        (40125, "AppSecret (connection field password) is wrong or missing"),
        (40164, "IP allow-list"),
        (45009, "midnight Asia/Shanghai"),
        (48001, "permission set 18"),
        (61014, "third-party platform"),
        (61502, "mini game"),
        (76022, "quota"),
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


@pytest.mark.parametrize("code", [None, "", "x", "4 0", 40001.5, [40001], {}, True])
def test_a_code_must_be_a_number(code: object) -> None:
    with pytest.raises(PayloadError, match=r"visit_page: the errcode of WeChat's reply must be a number, got "):
        api_error({"errcode": code}, "visit_page")


def test_a_code_nested_deep_is_refused_in_few_words() -> None:
    nested: Any = 1
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(PayloadError) as caught:
        api_error({"errcode": nested}, "visit_page")
    assert len(str(caught.value)) < 400


# --- remedies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [*ERRCODES.items(), ("any other", UNKNOWN)], ids=lambda known: str(known[0]))
def test_every_code_has_a_remedy_in_both_languages(known: Any) -> None:
    _, (_, en, zh) = known
    assert re.fullmatch(r"[A-Z].{20,}[.]", en)
    assert re.search(r"[\u4e00-\u9fff]{4}", zh)
    assert zh.endswith("。")
    assert not re.search(r"[\u4e00-\u9fff]\s?[,.;:!?(]", zh), "Chinese text has Chinese punctuation"


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_token_endpoint_that_refuses_means_the_secret_or_the_platform(code: int) -> None:
    reply = {"errcode": code, "errmsg": "no"}
    secret = api_error(reply, "token", known=TOKEN_ERRCODES)
    assert type(secret) is CredentialsError
    assert "AppSecret (connection field password)" in str(secret)
    platform = api_error(reply, "token", known=AUTHORIZER_ERRCODES)
    assert type(platform) is InvalidTokenError
    assert platform.retryable
    assert "component_access_token has expired" in str(platform)
