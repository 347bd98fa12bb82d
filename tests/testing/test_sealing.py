"""The server's own API security, against the worked example of WeChat's guide."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from airflow_provider_wxanalysis.testing.sealing import Letter
from tests.support.samples import published

GUIDE = published("api_signature_vectors")
KEY, KEY_SN = b64decode(GUIDE["sym_key_b64"]), GUIDE["sym_sn"]
DEVELOPER = cast("RSAPrivateKey", load_der_private_key(b64decode(GUIDE["private_key_der_b64"]), None))
PLATFORM = cast("RSAPublicKey", load_der_public_key(b64decode(GUIDE["response"]["platform_public_key_der_b64"])))
MESSAGES = [(GUIDE["request"], DEVELOPER.public_key()), (GUIDE["response"], PLATFORM)]


@pytest.mark.parametrize(("message", "signer"), MESSAGES, ids=["request", "response"])
def test_the_guide_s_example(message: dict[str, Any], signer: RSAPublicKey) -> None:
    letter = Letter(GUIDE["urlpath"], GUIDE["appid"], message["timestamp"])
    body, text = message["body"].encode(), message["plaintext"].encode()
    assert letter.unlock(body, KEY, KEY_SN) == text
    assert letter.lock(text, KEY, KEY_SN, b64decode(json.loads(body)["iv"])) == body
    assert letter.is_signed(body, message["signature_b64"], signer)
    assert not letter.is_signed(body + b" ", message["signature_b64"], signer)
    if "sha256_of_signed_string" in message:
        assert hashlib.sha256(letter._signed(body)).hexdigest() == message["sha256_of_signed_string"]


def test_what_it_signs_it_knows_again() -> None:
    letter = Letter("http://127.0.0.1/x", "wx0", 7)
    one, two = (letter.sign(b"{}", DEVELOPER) for _ in range(2))
    assert one != two, "PSS is salted"
    assert letter.is_signed(b"{}", one, DEVELOPER.public_key())


@pytest.mark.parametrize(
    "change", [("http://127.0.0.1/y", "wx0", 7), ("http://127.0.0.1/x", "wx1", 7), ("x", "wx0", 8)]
)
def test_another_letter_s_body_is_refused(change: tuple[str, str, int]) -> None:
    letter, other = Letter("http://127.0.0.1/x", "wx0", 7), Letter(*change)
    body = letter.lock(b"{}", KEY, KEY_SN)
    assert not other.is_signed(body, letter.sign(body, DEVELOPER), DEVELOPER.public_key())
    with pytest.raises(ValueError, match="cannot be decrypted"):
        other.unlock(body, KEY, KEY_SN)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[" * 100_000, b'{"iv":"","data":"","authtag":""}', b"\xff"])
def test_what_is_not_a_body_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Letter("x", "wx0", 7).unlock(body, KEY, KEY_SN)
