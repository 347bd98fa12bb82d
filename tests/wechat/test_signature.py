"""Encryption and signature: against the worked example of WeChat's guide, another implementation, and for any JSON."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_wxanalysis.testing.sealing import Letter
from airflow_provider_wxanalysis.wechat.signature import Frame, decrypt, encrypt, sign, verify
from tests.support.samples import published

VECTORS = published("api_signature_vectors")
REQUEST, REPLY = VECTORS["request"], VECTORS["response"]
KEY = base64.b64decode(VECTORS["sym_key_b64"])
KEY_SN = VECTORS["sym_sn"]
PRIVATE_KEY = cast("RSAPrivateKey", load_der_private_key(base64.b64decode(VECTORS["private_key_der_b64"]), None))
PLATFORM_KEY = cast("RSAPublicKey", load_der_public_key(base64.b64decode(REPLY["platform_public_key_der_b64"])))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def frame(message: dict[str, Any]) -> Frame:
    return Frame(VECTORS["urlpath"], VECTORS["appid"], message["timestamp"])


both = pytest.mark.parametrize("message", [REQUEST, REPLY], ids=["request", "reply"])


@both
def test_the_official_message_decrypts(message: dict[str, Any]) -> None:
    assert decrypt(message["body"].encode(), frame(message), KEY, KEY_SN) == message["plaintext"].encode()


@both
def test_the_official_message_is_what_we_encrypt(message: dict[str, Any]) -> None:
    iv = base64.b64decode(json.loads(message["body"])["iv"])
    assert encrypt(message["plaintext"].encode(), frame(message), KEY, KEY_SN, iv=iv) == message["body"].encode()


@both
def test_the_official_signature_verifies(message: dict[str, Any]) -> None:
    key = PRIVATE_KEY.public_key() if message is REQUEST else PLATFORM_KEY
    body = message["body"].encode()
    assert verify(body, frame(message), message["signature_b64"], key)
    other = PLATFORM_KEY if message is REQUEST else PRIVATE_KEY.public_key()
    assert not verify(body, frame(message), message["signature_b64"], other)


def test_what_surrounds_a_message() -> None:
    assert frame(REQUEST).authenticated(KEY_SN) == REQUEST["aad"].encode()
    signed = frame(REPLY).signed(REPLY["body"].encode())
    assert hashlib.sha256(signed).hexdigest() == REPLY["sha256_of_signed_string"]


def test_our_signature_verifies_and_never_repeats() -> None:
    body = REQUEST["body"].encode()
    first, second = (sign(body, frame(REQUEST), PRIVATE_KEY) for _ in range(2))
    assert first != second, "PSS is salted"
    assert verify(body, frame(REQUEST), first, PRIVATE_KEY.public_key())


@pytest.mark.parametrize("change", [{"url": "https://api.weixin.qq.com/other"}, {"appid": "wx0"}, {"timestamp": 1}])
def test_another_frame_fits_neither(change: Any) -> None:
    body, other = REPLY["body"].encode(), frame(REPLY)._replace(**change)
    assert not verify(body, other, REPLY["signature_b64"], PLATFORM_KEY)
    assert decrypt(body, other, KEY, KEY_SN) is None


def test_another_key_or_number_does_not_fit() -> None:
    body = REPLY["body"].encode()
    assert decrypt(body, frame(REPLY), bytes(32), KEY_SN) is None
    assert decrypt(body, frame(REPLY), KEY, "0") is None


@pytest.mark.parametrize("signature", ["", "?", "AAAA", "签名", REQUEST["signature_b64"], REPLY["signature_b64"][:-4]])
def test_no_signature_at_all(signature: str) -> None:
    assert not verify(REPLY["body"].encode(), frame(REPLY), signature, PLATFORM_KEY)


@pytest.mark.parametrize("name", ["iv", "data", "authtag"])
@pytest.mark.parametrize(
    "change",
    [
        lambda part: bytes([part[0] ^ 1]) + part[1:],
        lambda part: part[:-1],
        lambda part: b"",
        lambda part: part + b"\0",
    ],
    ids=["bit", "short", "empty", "long"],
)
def test_a_changed_body_does_not_decrypt(name: str, change: Any) -> None:
    parts = json.loads(REPLY["body"])
    parts[name] = base64.b64encode(change(base64.b64decode(parts[name]))).decode()
    assert decrypt(json.dumps(parts).encode(), frame(REPLY), KEY, KEY_SN) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b"null", b'"x"', b"{}", b'{"iv":1,"data":2,"authtag":3}', b"[" * 100_000, b"\xff\xfe"],
)
def test_what_is_no_body_at_all_does_not_decrypt(body: bytes) -> None:
    assert decrypt(body, frame(REPLY), KEY, KEY_SN) is None


@given(JSON, st.text(), st.integers(0, 2**40))
def test_any_json_comes_back(value: Any, url: Any, timestamp: Any) -> None:
    plain = json.dumps(value, ensure_ascii=False).encode()
    around = Frame(url, VECTORS["appid"], timestamp)
    body = encrypt(plain, around, KEY, KEY_SN)
    assert set(json.loads(body)) == {"iv", "data", "authtag"}
    assert decrypt(body, around, KEY, KEY_SN) == plain


@given(JSON, st.text(), st.integers(0, 2**40))
def test_either_side_reads_the_other(value: object, url: str, timestamp: int) -> None:
    """The test server's implementation was written from the same guide, by another hand."""
    plain = json.dumps(value, ensure_ascii=False).encode()
    ours, theirs = Frame(url, VECTORS["appid"], timestamp), Letter(url, VECTORS["appid"], timestamp)
    assert theirs.unlock(encrypt(plain, ours, KEY, KEY_SN), KEY, KEY_SN) == plain
    assert decrypt(theirs.lock(plain, KEY, KEY_SN), ours, KEY, KEY_SN) == plain
    assert theirs.is_signed(plain, sign(plain, ours, PRIVATE_KEY), PRIVATE_KEY.public_key())
    assert verify(plain, ours, theirs.sign(plain, PRIVATE_KEY), PRIVATE_KEY.public_key())


@given(st.binary())
def test_no_bytes_make_it_fail(body: bytes) -> None:
    assert decrypt(body, frame(REPLY), KEY, KEY_SN) is None
