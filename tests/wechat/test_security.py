"""Accounts with API security, over a real socket; and replies that only a forger would send, made by hand.

What WeChat's side seals and opens here is made by the test server's own implementation, not by the provider's.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.structures import CaseInsensitiveDict

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from airflow_provider_wxanalysis.exceptions import CredentialsError, DataNotReadyError, PayloadError, WeAnalysisError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY, Period
from airflow_provider_wxanalysis.testing import ApiSecurity, WeChatServer, faults
from airflow_provider_wxanalysis.testing.sealing import Letter
from airflow_provider_wxanalysis.wechat.keys import Keys
from airflow_provider_wxanalysis.wechat.patience import ATTEMPTS
from airflow_provider_wxanalysis.wechat.security import MAX_SKEW, Security, _Seen, nonce
from tests.conftest import APPS
from tests.support.canary import shown

SEALED = ["wechatmp-appid", "wechatmp-serial", "wechatmp-signature", "wechatmp-timestamp"]
REFUSED = {
    "unsigned": (faults.unsigned(), "it is not signed"),
    "tampered": (faults.tampered(), "its signature is wrong"),
    "replayed": (faults.replayed(), "it is one that came before"),
    "stale": (faults.stale(MAX_SKEW + 10), "behind this worker's clock"),
    "early": (faults.stale(-MAX_SKEW - 10), "ahead of this worker's clock"),
}


@pytest.fixture
def wechat_server_options(api_security: ApiSecurity) -> dict[str, Any]:
    return {"published_at": dt.time(0), "api_security": api_security}


# Over a socket


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


def test_the_connection_s_test(hook: Callable[..., WeAnalysisHook]) -> None:
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


def test_another_period_s_reply_is_told_by_its_date(
    hook: Callable[..., WeAnalysisHook], wechat_server: WeChatServer, yesterday: Period
) -> None:
    """A reply does not say which request it answers, and this session has not seen it: its date gives it away."""
    hook().fetch("daily_summary", DAY.latest(yesterday.begin_date - dt.timedelta(days=1)))
    wechat_server.faults.add(faults.replayed())
    with pytest.raises(PayloadError, match="ref_date"):
        hook().fetch("daily_summary", yesterday)


def test_errors_come_in_clear_and_mean_what_they_mean(
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
    with pytest.raises(CredentialsError, match=r"40240 .*This worker's clock is not WeChat's: set it \(NTP\)"):
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


def test_a_signing_key_that_is_not_the_console_s(
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
    assert any("POST /datacube" in text for text in texts), "the log was seen"
    assert not [secret for secret in secrets for text in texts if secret in text]


# Made by hand

URL = "https://api.weixin.qq.com/datacube/x"
APPID = APPS[0]
NOW = 1_800_000_000
PLATFORM, DEVELOPER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
KEYS = Keys(bytes(range(32)), "sym", DEVELOPER, "dev", {"plat": PLATFORM.public_key()})
PLAIN = {"_n": "x", "_appid": APPID, "_timestamp": NOW, "list": []}


def security(now: float = NOW) -> Security:
    return Security(APPID, KEYS, lambda: now)


def reply(
    plain: Any = PLAIN, timestamp: int = NOW, *, url: str = URL, appid: str = APPID, **headers: str | None
) -> tuple[bytes, CaseInsensitiveDict[str]]:
    """A reply that WeChat's keys have made, with some headers changed."""
    letter = Letter(url, appid, timestamp)
    data = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    body = letter.lock(data, KEYS.symmetric_secret_key, KEYS.symmetric_key_sn)
    given = {
        "Wechatmp-Appid": appid,
        "Wechatmp-TimeStamp": str(timestamp),
        "Wechatmp-Serial": "plat",
        "Wechatmp-Signature": letter.sign(body, PLATFORM),
    }
    changed = {f"Wechatmp-{name.replace('_', '-')}": value for name, value in headers.items()}
    return body, CaseInsensitiveDict({k: v for k, v in {**given, **changed}.items() if v is not None})


def test_a_good_one_loses_what_was_added() -> None:
    assert security().open(URL, *reply({**PLAIN, "_new": 1}), "x") == {"list": [], "_new": 1}
    assert security().open(f"{URL}?a=b", *reply(), "x") == {"list": []}


@pytest.mark.parametrize(
    "headers",
    [
        {"Serial": "new", "Signature": "AAAA", "Serial_Deprecated": "plat"},
        {"Serial": "plat", "Signature": "AAAA", "Serial_Deprecated": "plat"},
    ],
)
def test_either_signature_will_do(headers: dict[str, str]) -> None:
    body, given = reply()
    right = given["Wechatmp-Signature"]
    given.update({f"Wechatmp-{name.replace('_', '-')}": value for name, value in headers.items()})
    given["Wechatmp-Signature-Deprecated"] = right
    assert security().open(URL, body, given, "x") == {"list": []}


FORGED = {
    "no timestamp": (reply(TimeStamp=None), "it is not signed"),
    "timestamp no number": (reply(TimeStamp="now"), "it is not signed"),
    "timestamp in other digits": (reply(TimeStamp="１８"), "it is not signed"),
    "timestamp too long": (reply(TimeStamp="1" * 5000), "it is not signed"),
    "timestamp moved": (reply(TimeStamp=str(NOW + 1)), "its signature is wrong"),
    "no serial": (reply(Serial=None), "'without number', the connection holds plat"),
    "another serial": (reply(Serial="new"), "certificate 'new', the connection holds plat"),
    "two other serials": (reply(Serial="a", Serial_Deprecated="b"), "'a and b'"),
    "no signature": (reply(Signature=None), "its signature is wrong"),
    "empty signature": (reply(Signature=""), "its signature is wrong"),
    "a signature that is none": (reply(Signature="?"), "its signature is wrong"),
    "signature of another": (reply(Signature=reply()[1]["Wechatmp-Signature"]), "its signature is wrong"),
    "another address": (reply(url=f"{URL}y"), "its signature is wrong"),
    "another app": (reply(appid=APPS[1]), "its signature is wrong"),
    "another app inside": (reply({**PLAIN, "_appid": APPS[1]}), "another app or time"),
    "no app inside": (reply({"_timestamp": NOW}), "another app or time"),
    "another time inside": (reply({**PLAIN, "_timestamp": NOW - 1}), "another app or time"),
    "time inside as text": (reply({**PLAIN, "_timestamp": str(NOW)}), "another app or time"),
    "a list inside": (reply(b"[]"), "it cannot be decrypted"),
    "no JSON inside": (reply(b"{canary"), "it cannot be decrypted"),
    "NaN inside": (reply(b'{"list": NaN}'), "it cannot be decrypted"),
    "depth inside": (reply(b"[" * 100_000), "it cannot be decrypted"),
    "behind": (reply({**PLAIN, "_timestamp": NOW - 301}, NOW - 301), "301 s behind"),
    "ahead": (reply({**PLAIN, "_timestamp": NOW + 301}, NOW + 301), "301 s ahead"),
}


@pytest.mark.parametrize(("forged", "why"), FORGED.values(), ids=FORGED)
def test_what_a_forger_would_send_is_refused(forged: tuple[bytes, CaseInsensitiveDict[str]], why: str) -> None:
    with pytest.raises(PayloadError, match=f"x: WeChat's reply is refused: .*{why}") as caught:
        security().open(URL, *forged, "x")
    assert "canary" not in shown(caught.value)


def test_a_changed_byte_is_refused() -> None:
    body, headers = reply()
    for place in range(0, len(body), 7):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(PayloadError, match="its signature is wrong"):
            security().open(URL, changed, headers, "x")


def test_a_signed_body_that_was_not_encrypted_is_refused() -> None:
    body = json.dumps(PLAIN).encode()
    _, headers = reply(Signature=Letter(URL, APPID, NOW).sign(body, PLATFORM))
    with pytest.raises(PayloadError, match="it cannot be decrypted"):
        security().open(URL, body, headers, "x")


@pytest.mark.parametrize("difference", [MAX_SKEW, -MAX_SKEW])
def test_at_the_edge_of_the_clock_s_tolerance(difference: int) -> None:
    assert security(NOW + difference).open(URL, *reply(), "x") == {"list": []}


def test_a_replay_is_known_for_as_long_as_the_clock_would_let_it_pass() -> None:
    moments = iter([NOW, NOW + 200, NOW + 400, NOW + 2 * MAX_SKEW])
    one = Security(APPID, KEYS, lambda: next(moments))
    early = reply({**PLAIN, "_timestamp": NOW + MAX_SKEW}, NOW + MAX_SKEW)
    assert one.open(URL, *early, "x") == {"list": []}
    for _ in range(2):
        assert one.open(URL, *reply({**PLAIN, "_timestamp": NOW + MAX_SKEW}, NOW + MAX_SKEW), "x")
    with pytest.raises(PayloadError, match="it is one that came before"):
        one.open(URL, *early, "x")


def test_what_is_sent() -> None:
    body, headers = security().seal(f"{URL}?page=1", {"begin_date": "20260301", "名": "值"})
    letter = Letter(URL, APPID, NOW)
    assert (headers["Wechatmp-Appid"], headers["Wechatmp-TimeStamp"], headers["Wechatmp-Serial"]) == (
        APPID,
        str(NOW),
        "dev",
    )
    assert letter.is_signed(body, headers["Wechatmp-Signature"], DEVELOPER.public_key())
    plain = json.loads(letter.unlock(body, KEYS.symmetric_secret_key, KEYS.symmetric_key_sn))
    assert len(plain.pop("_n")) > 16
    assert plain == {
        "page": "1",
        "begin_date": "20260301",
        "名": "值",
        "_appid": APPID,
        "_timestamp": NOW,
    }
    assert b"2026" not in body


def test_nonces_differ_and_are_as_long_as_asked_for() -> None:
    found = {nonce() for _ in range(200)}
    assert len(found) == 200
    assert {len(base64.b64decode(f"{each}==")) for each in found} <= set(range(16, 33))
    assert len({len(each) for each in found}) > 5


def test_what_was_seen_is_remembered_for_long_enough_and_not_for_ever() -> None:
    seen = _Seen(600)
    for second in range(0, 6000, 10):
        item = str(second).encode()
        assert not seen.before(item, second)
        assert all(seen.before(str(former).encode(), second) for former in range(max(0, second - 590), second, 10))
        assert len(seen._current) + len(seen._former) <= 2 * 60
    assert not seen.before(b"0", 6000)
