"""With API security on, no reply is taken that WeChat has not signed, whatever it looks like."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_wxanalysis.exceptions import DateRangeError, PayloadError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.testing import WeChatServer, faults
from tests.support.forger import DATES, FORGED_PER_GENUINE, NOTHINGS, PATH, Forger, taken

MUTANTS = 2_000


@pytest.fixture
def forger() -> Forger:
    return Forger(seed=20260302)


@pytest.fixture
def wechat_server_options(forger: Forger) -> dict[str, Any]:
    return {"published_at": dt.time(0), "api_security": forger}


def test_no_forged_reply_is_taken(
    hook: Callable[..., WeAnalysisHook], forger: Forger, wechat_server: WeChatServer
) -> None:
    assert taken(forger, hook().client.settings, MUTANTS) == []
    assert wechat_server.count("daily_summary") == MUTANTS + MUTANTS // FORGED_PER_GENUINE


@pytest.mark.parametrize("nothing", NOTHINGS)
def test_a_reply_that_does_not_report_an_error_must_be_signed(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, pauses: list[float], nothing: str
) -> None:
    text = f'{{"errcode":{nothing},"list":[{{"ref_date":"20260302","visit_total":1}}]}}'
    wechat_server.faults.add(
        faults.Fault("in clear", lambda answer, _: replace(answer, text=text, seal="none")), times=None
    )
    with pytest.raises(PayloadError):
        hook().post(PATH, DATES)


def test_an_error_in_clear_is_still_an_error(hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer) -> None:
    """WeChat does not sign its errors."""
    text = json.dumps({"errcode": 61501, "errmsg": "date range error", "list": []})
    wechat_server.faults.add(faults.Fault("in clear", lambda answer, _: replace(answer, text=text, seal="none")))
    with pytest.raises(DateRangeError):
        hook().post(PATH, DATES)
