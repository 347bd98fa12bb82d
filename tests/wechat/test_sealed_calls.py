"""Accounts with API security, over a real socket.

What WeChat's side seals and opens here is made by the test server's own implementation, not by the provider's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from airflow_provider_wxanalysis.exceptions import DataNotReadyError, PayloadError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY, Period
from airflow_provider_wxanalysis.testing import ApiSecurity, WeChatServer, faults
from airflow_provider_wxanalysis.wechat.patience import ATTEMPTS
from airflow_provider_wxanalysis.wechat.security import MAX_SKEW
from tests.conftest import APPS
from tests.wechat.refusals import REFUSED

SEALED = ["wechatmp-appid", "wechatmp-serial", "wechatmp-signature", "wechatmp-timestamp"]


@pytest.fixture
def wechat_server_options(api_security: ApiSecurity) -> dict[str, Any]:
    return {"published_at": dt.time(0), "api_security": api_security}


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_every_endpoint_gives_the_same_rows(
    hook: Callable[..., WeAnalysisHook],
    wechat_server: WeChatServer,
    connect: Callable[..., str],
    yesterday: Period,
    endpoint: Endpoint,
) -> None:
    period = endpoint.window.latest(yesterday.end_date)
    rows = hook(max_concurrency=1).fetch(endpoint, period)
    assert rows
    calls = [call for call in wechat_server.calls if call.endpoint == endpoint.name]
    assert len(calls) == len(endpoint.selections)
    assert all(set(SEALED) <= set(call.headers) for call in calls)
    with WeChatServer(published_at=dt.time(0)) as plain:
        plain_hook = WeAnalysisHook(connect(plain, conn_id="plain", max_concurrency=1))
        assert plain_hook.fetch(endpoint, period) == rows
        plain_hook.close()
        assert [call.body for call in plain.calls if call.endpoint == endpoint.name] == [call.body for call in calls]


@pytest.mark.parametrize("auth", ["stable", "legacy", "static", "central", "authorizer"])
def test_tokens_are_asked_for_in_clear(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period, auth: str
) -> None:
    """WeChat's pages of the token endpoints, unlike those of the data endpoints, do not offer API security."""
    assert hook(auth=auth).fetch("daily_summary", yesterday)
    asked = [call for call in wechat_server.calls if call.endpoint == "token"]
    assert len(asked) == (auth != "static")
    assert not any(name.startswith("wechatmp-") for call in asked for name in call.headers)


def test_test_connection(hook: Callable[..., WeAnalysisHook]) -> None:
    ok, message = hook().test_connection()
    assert ok, message


def test_any_other_path_is_sealed_too(hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer) -> None:
    hook().post("/cgi-bin/openapi/quota/get", {"cgi_path": "/cgi-bin/openapi/quota/get"})
    assert set(SEALED) <= set(wechat_server.calls[-1].headers)


@pytest.mark.parametrize(("fault", "why"), REFUSED.values(), ids=REFUSED)
def test_a_reply_that_is_not_as_it_must_be_is_refused(
    hook: Callable[..., WeAnalysisHook],
    wechat_server: WeChatServer,
    yesterday: Period,
    pauses: list[float],
    fault: faults.Fault,
    why: str,
) -> None:
    app = hook()
    app.fetch("daily_summary", yesterday)
    wechat_server.faults.add(fault)
    words = rf"daily_summary {yesterday} of app {APPS[0]}: WeChat's reply is refused: .*{why}"
    with pytest.raises(PayloadError, match=words) as caught:
        app.fetch("daily_summary", yesterday)
    assert not caught.value.retryable
    assert wechat_server.count("daily_summary") == 2
    assert pauses == []
    assert app.fetch("daily_summary", yesterday), "and the next, good one is taken"


@pytest.mark.parametrize("reply", [{"errcode": 0, "list": []}, {"errcode": 0.0}, {"errcode": False}, {"iv": "x"}])
def test_only_errors_may_come_in_clear(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period, reply: dict[str, Any]
) -> None:
    wechat_server.faults.add(faults.Fault("clear", lambda answer, _: replace(answer, reply=reply, seal="none")))
    with pytest.raises(PayloadError, match=r"it is not signed|must be a number"):
        hook().fetch("daily_summary", yesterday)


@pytest.mark.parametrize("seconds", [MAX_SKEW - 20, 20 - MAX_SKEW])
def test_clocks_may_differ_a_little(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period, seconds: int
) -> None:
    wechat_server.faults.add(faults.stale(seconds))
    assert hook().fetch("daily_summary", yesterday)


def test_the_reply_of_another_period_is_recognized_by_its_date(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period
) -> None:
    """A reply does not say which request it answers, and this session has not seen it: its date gives it away."""
    hook().fetch("daily_summary", DAY.latest(yesterday.begin_date - dt.timedelta(days=1)))
    wechat_server.faults.add(faults.replayed())
    with pytest.raises(PayloadError, match="ref_date"):
        hook().fetch("daily_summary", yesterday)


def test_errors_come_in_clear_and_are_handled_as_ever(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period, pauses: list[float]
) -> None:
    wechat_server.faults.add(faults.errcode(-1), times=2)
    wechat_server.faults.add(faults.errcode(61503))
    with pytest.raises(DataNotReadyError):
        hook().fetch("daily_summary", yesterday)
    assert len(pauses) == 2


@pytest.mark.parametrize("fault", [faults.http(503), faults.truncated(), faults.not_json(), faults.reset()])
def test_retries_are_the_same_and_sealed_again(
    hook: Callable[..., WeAnalysisHook],
    wechat_server: WeChatServer,
    yesterday: Period,
    pauses: list[float],
    fault: faults.Fault,
) -> None:
    wechat_server.faults.add(fault, times=ATTEMPTS - 1)
    assert hook().fetch("daily_summary", yesterday)
    signatures = [call.headers["wechatmp-signature"] for call in wechat_server.calls if call.endpoint != "token"]
    assert len(set(signatures)) == ATTEMPTS


def test_a_refused_token_is_replaced(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period
) -> None:
    app = hook()
    app.fetch("daily_summary", yesterday)
    wechat_server.expire_tokens(APPS[0])
    assert app.fetch("daily_summary", yesterday)
    assert wechat_server.count("token") == 2
