"""Sealing and opening, with messages made by hand: what a forger would send is refused, and replays are known.

WeChat's side is the test server's own implementation, not the provider's.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.structures import CaseInsensitiveDict

from airflow_provider_wxanalysis.exceptions import PayloadError
from airflow_provider_wxanalysis.testing.sealing import Letter
from airflow_provider_wxanalysis.wechat.keys import Keys
from airflow_provider_wxanalysis.wechat.security import MAX_SKEW, Security, _Seen, nonce
from tests.conftest import APPS
from tests.support.canary import shown

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


def test_a_good_reply_comes_without_what_was_added() -> None:
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
def test_at_the_edge_of_the_tolerance_for_clocks(difference: int) -> None:
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


def test_what_was_seen_is_remembered_for_long_enough_and_not_forever() -> None:
    seen = _Seen(600)
    for second in range(0, 6000, 10):
        item = str(second).encode()
        assert not seen.before(item, second)
        assert all(seen.before(str(former).encode(), second) for former in range(max(0, second - 590), second, 10))
        assert len(seen._current) + len(seen._former) <= 2 * 60
    assert not seen.before(b"0", 6000)
