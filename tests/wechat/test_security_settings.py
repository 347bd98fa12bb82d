"""Accounts with API security: keys and clocks that are wrong, keys that change, and that no text shows them."""

from __future__ import annotations

import base64
import datetime as dt
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wxanalysis.exceptions import CredentialsError, PayloadError, WeAnalysisError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.testing import ApiSecurity, WeChatServer, faults
from airflow_provider_wxanalysis.wechat.security import MAX_SKEW
from tests.support.canary import shown
from tests.wechat.refusals import REFUSED


@pytest.fixture
def wechat_server_options(api_security: ApiSecurity) -> dict[str, Any]:
    return {"published_at": dt.time(0), "api_security": api_security}


def test_a_request_that_came_too_late_is_signed_again_once(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period, pauses: list[float]
) -> None:
    clock = iter([time.time() - 2 * MAX_SKEW])
    app = hook(max_concurrency=1)
    assert app.client._security
    app.client._security._clock = lambda: next(clock, time.time())
    assert app.fetch("daily_summary", yesterday)
    assert [call.errcode for call in wechat_server.calls if call.endpoint != "token"] == [40240, 0]
    assert pauses == []


@pytest.mark.parametrize("auth", ["stable", "static"])
def test_a_wrong_clock_is_named(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period, auth: str
) -> None:
    app = hook(auth=auth)
    assert app.client._security
    app.client._security._clock = lambda: time.time() - 2 * MAX_SKEW
    with pytest.raises(CredentialsError, match=r"40240 .*clock differs too much from WeChat's: synchronise it \(NTP\)"):
        app.fetch("daily_summary", yesterday)
    assert wechat_server.count("daily_summary") == 2


def test_without_keys_the_error_says_what_to_give(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period, api_security: ApiSecurity
) -> None:
    app = hook(**dict.fromkeys(api_security.extra(), ""))
    with pytest.raises(CredentialsError, match=r"40230 .*API security\): give the connection its keys"):
        app.fetch("daily_summary", yesterday)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symmetric_secret_key": base64.b64encode(bytes(32)).decode()}, "40235 .*Compare symmetric_secret_key"),
        ({"symmetric_key_sn": "0"}, "40235 .*Compare symmetric_secret_key and symmetric_key_sn"),
        ({"signing_key_sn": "0"}, "40239 .*signing_key_sn"),
    ],
)
def test_wrong_keys_are_named(
    hook: Callable[..., WeAnalysisHook], yesterday: Period, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(CredentialsError, match=message):
        hook(**change).fetch("daily_summary", yesterday)


def test_a_signing_key_that_does_not_belong_to_the_number(
    hook: Callable[..., WeAnalysisHook], yesterday: Period, api_security: ApiSecurity
) -> None:
    other = ApiSecurity().extra()["signing_private_key"]
    with pytest.raises(CredentialsError, match="40234 .*signing_private_key does not belong"):
        hook(signing_private_key=other).fetch("daily_summary", yesterday)


class TestRotation:
    @pytest.fixture
    def security(self) -> ApiSecurity:
        return ApiSecurity()

    @pytest.fixture
    def wechat_server_options(self, security: ApiSecurity) -> dict[str, Any]:
        return {"published_at": dt.time(0), "api_security": security}

    def test_old_and_new_connections_work_while_it_lasts(
        self, hook: Callable[..., WeAnalysisHook], security: ApiSecurity, yesterday: Period
    ) -> None:
        old = hook()
        assert old.fetch("daily_summary", yesterday)
        security.rotate()
        both, new = hook(), security.extra()["platform_certificates"]
        assert len(new) == 2
        only_new = hook(platform_certificates=dict([next(iter(new.items()))]))
        for app in (old, both, only_new):
            assert app.fetch("daily_summary", yesterday)
        security.retire()
        assert both.fetch("daily_summary", yesterday)
        assert only_new.fetch("daily_summary", yesterday)
        current, former = new
        with pytest.raises(PayloadError, match=f"certificate '{current}', the connection holds {former}"):
            old.fetch("daily_summary", yesterday)


def test_no_key_in_any_text(
    hook: Callable[..., WeAnalysisHook],
    wechat_server: WeChatServer,
    yesterday: Period,
    pauses: list[float],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    api_security: ApiSecurity,
) -> None:
    extra = api_security.extra()
    secrets = [extra["symmetric_secret_key"], *extra["signing_private_key"].splitlines()[1:-1]]
    app = hook()
    texts = [repr(app), repr(app._settings), repr(app.client), repr(wechat_server.calls)]
    faulty = [fault for fault, _ in REFUSED.values()] + [faults.errcode(code) for code in range(40230, 40241)]
    wrong = {"symmetric_secret_key": extra["signing_private_key"], "signing_private_key": extra["symmetric_secret_key"]}
    with caplog.at_level(logging.DEBUG):
        app.fetch("daily_summary", yesterday)
        for fault in faulty:
            wechat_server.faults.add(fault, times=2)
            with pytest.raises(WeAnalysisError) as caught:
                app.fetch("daily_summary", yesterday)
            wechat_server.faults.clear()
            texts.append(shown(caught.value))
        for change in ({name: value} for name, value in wrong.items()):
            with pytest.raises(WeAnalysisError) as caught:
                hook(**change).fetch("daily_summary", yesterday)
            texts.append(shown(caught.value))
    texts += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    texts += capsys.readouterr()
    assert any("Starting new HTTP connection" in text for text in texts), "the log was seen"
    assert not [secret for secret in secrets for text in texts if secret in text]
