"""API security, from a plain client: what the server demands, and what it answers without."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing import ApiSecurity, WeChatServer, faults
from airflow_provider_wxanalysis.wechat.signature import Frame, decrypt, encrypt, sign, verify
from tests.testing.client import APP, NOW, OTHER, SPANS, Client, dates

PATH = ENDPOINTS["daily_summary"].path


@pytest.fixture
def wechat_server_options(api_security: ApiSecurity) -> dict[str, Any]:
    return {"now": NOW, "api_security": api_security}


class Sealed:
    """Makes sealed requests for the daily summary, right or with one thing wrong."""

    def __init__(self, client: Client, keys: dict[str, Any]) -> None:
        self.client = client
        self.key = base64.b64decode(keys["symmetric_secret_key"])
        self.key_sn = keys["symmetric_key_sn"]
        self.signing_key: Any = load_pem_private_key(keys["signing_private_key"].encode(), None)
        self.serial = keys["signing_key_sn"]
        self.url = client.server.url + PATH

    def send(
        self,
        *,
        appid: str = APP,
        age: int = 0,
        inside: dict[str, Any] | None = None,
        text: str | None = None,
        key: bytes | None = None,
        headers: dict[str, str | None] | None = None,
        token: str = APP,
    ) -> Any:
        timestamp = int(time.time()) - age
        frame = Frame(self.url, appid, timestamp)
        plain = {"_n": "x" * 16, "_appid": appid, "_timestamp": timestamp, **dates(*SPANS["daily_summary"])}
        data = text or json.dumps({k: v for k, v in {**plain, **(inside or {})}.items() if v is not None})
        body = encrypt(data.encode(), frame, key or self.key, self.key_sn)
        given = {
            "Wechatmp-Appid": appid,
            "Wechatmp-TimeStamp": str(timestamp),
            "Wechatmp-Serial": self.serial,
            "Wechatmp-Signature": sign(body, frame, self.signing_key),
            **(headers or {}),
        }
        return self.client.post(PATH, self.client.token(token), data=body, headers=given)


@pytest.fixture
def sealed(client: Client, api_security: ApiSecurity) -> Sealed:
    return Sealed(client, api_security.extra())


def test_a_good_request_gets_a_sealed_reply(
    sealed: Sealed, wechat_server: WeChatServer, api_security: ApiSecurity
) -> None:
    response = sealed.send()
    assert set(response.json()) == {"iv", "data", "authtag"}
    frame = Frame(sealed.url, APP, int(response.headers["Wechatmp-TimeStamp"]))
    ((number, certificate),) = api_security.extra()["platform_certificates"].items()
    assert (response.headers["Wechatmp-Appid"], response.headers["Wechatmp-Serial"]) == (APP, number)
    platform_key: Any = load_pem_x509_certificate(certificate.encode()).public_key()
    assert verify(response.content, frame, response.headers["Wechatmp-Signature"], platform_key)
    plain = json.loads(decrypt(response.content, frame, sealed.key, sealed.key_sn) or b"")
    assert plain.pop("_n")
    assert (plain.pop("_appid"), plain.pop("_timestamp")) == (APP, frame.timestamp)
    assert wechat_server.served["daily_summary", APP, "2026-03-02", "2026-03-02"] == [plain]
    assert wechat_server.calls[-1].body == dates(*SPANS["daily_summary"])


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"headers": {"Wechatmp-Serial": None}}, 40230),
        ({"headers": {"Wechatmp-TimeStamp": None}}, 40231),
        ({"headers": {"Wechatmp-TimeStamp": "now"}}, 40231),
        ({"headers": {"Wechatmp-TimeStamp": "9" * 5000}}, 40231),
        ({"inside": {"_timestamp": 1}}, 40231),
        ({"inside": {"_timestamp": None}}, 40231),
        ({"headers": {"Wechatmp-Signature": None}}, 40232),
        ({"headers": {"Wechatmp-Appid": None}}, 40233),
        ({"headers": {"Wechatmp-Signature": "AAAA"}}, 40234),
        ({"key": bytes(32)}, 40235),
        ({"inside": {"_n": None}}, 40235),
        ({"text": "{"}, 40235),
        ({"text": "[" * 100_000}, 40235),
        ({"text": "[]"}, 40235),
        ({"appid": "nobody"}, 40236),
        ({"inside": {"_appid": OTHER}}, 40236),
        ({"inside": {"_appid": None}}, 40236),
        ({"appid": OTHER}, 40237),
        ({"token": OTHER}, 40237),
        ({"headers": {"Wechatmp-Serial": "0" * 32}}, 40239),
        ({"age": 400}, 40240),
        ({"age": -400}, 40240),
    ],
)
def test_each_violation_has_its_code(sealed: Sealed, wrong: dict[str, Any], code: int) -> None:
    response = sealed.send(**wrong)
    assert response.json()["errcode"] == code
    assert "Wechatmp-Signature" not in response.headers, "errors come in clear"


def test_a_plain_request_is_refused_token_calls_are_not(client: Client) -> None:
    assert client.ask("visit_page")["errcode"] == 40230
    assert "access_token" in client.stable()
    assert "access_token" in client.legacy()


def test_the_usual_rules_hold(sealed: Sealed) -> None:
    assert sealed.send(inside=dates("20260303", "20260303")).json()["errcode"] == 61501


def test_faults_of_the_seal(sealed: Sealed, wechat_server: WeChatServer) -> None:
    first = sealed.send()
    for fault in (faults.unsigned(), faults.tampered(), faults.replayed(), faults.stale(600)):
        wechat_server.faults.add(fault)
    unsigned, tampered, replayed, stale, good = (sealed.send() for _ in range(5))
    assert unsigned.json() == wechat_server.served["daily_summary", APP, "2026-03-02", "2026-03-02"][0]
    assert "Wechatmp-Signature" not in unsigned.headers
    assert tampered.headers["Wechatmp-Signature"] != first.headers["Wechatmp-Signature"]
    assert replayed.content == first.content
    assert replayed.headers["Wechatmp-Signature"] == first.headers["Wechatmp-Signature"]
    assert int(good.headers["Wechatmp-TimeStamp"]) - int(stale.headers["Wechatmp-TimeStamp"]) >= 600
    assert len(wechat_server.served["daily_summary", APP, "2026-03-02", "2026-03-02"]) == 2


def test_rotation(client: Client) -> None:
    security = ApiSecurity()
    client.server.api_security = security
    sealed = Sealed(client, security.extra())
    (old,) = security.extra()["platform_certificates"]
    security.rotate()
    new, still = security.extra()["platform_certificates"]
    assert still == old
    headers = sealed.send().headers
    assert (headers["Wechatmp-Serial"], headers["Wechatmp-Serial-Deprecated"]) == (new, old)
    assert headers["Wechatmp-Signature"] != headers["Wechatmp-Signature-Deprecated"]
    security.retire()
    headers = sealed.send().headers
    assert headers["Wechatmp-Serial"] == new
    assert "Wechatmp-Serial-Deprecated" not in headers


def test_given_keys_are_used(api_security: ApiSecurity) -> None:
    given = api_security.extra()
    platform_key = ApiSecurity().extra()["signing_private_key"]
    key = base64.b64decode(given["symmetric_secret_key"])
    one, two = (ApiSecurity(key, given["signing_private_key"], platform_key).extra() for _ in range(2))
    assert {**one, "platform_certificates": 0} == {**given, "platform_certificates": 0}
    assert one["platform_certificates"].keys() == two["platform_certificates"].keys()
    with pytest.raises(ValueError, match=r"no RSA key|Unable to load|deserialize"):
        ApiSecurity(signing_key="-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def test_connection(wechat_server: WeChatServer, api_security: ApiSecurity) -> None:
    extra = wechat_server.connection(APP, timeout=5)["extra"]
    assert extra.pop("timeout") == 5
    assert extra.keys() == api_security.extra().keys()
    assert WeChatServer().api_security is None
