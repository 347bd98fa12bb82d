"""What a connection may say of API security, and what is refused before any call."""

from __future__ import annotations

import base64
import json

import pytest
from airflow.providers.common.compat.sdk import Connection
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.wechat.keys import NAMES
from airflow_provider_wxanalysis.wechat.settings import Settings

SHORT = rsa.generate_private_key(65537, 1024)


def keys(extra):
    connection = Connection(
        conn_id="c", conn_type="weanalysis", login="wx1", password="s3cret", extra=json.dumps(extra)
    )
    return Settings.from_connection(connection).keys


@pytest.fixture(scope="module")
def good(api_security):
    return api_security.extra()


@pytest.fixture(scope="module")
def key(good):
    return keys(good).signing_private_key


def private_pem(key, format=PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(Encoding.PEM, format, encryption or NoEncryption()).decode()


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_none_is_the_default():
    assert keys({}) is None
    assert keys(dict.fromkeys(NAMES, "")) is None


def test_all_of_them(good):
    found = keys(good)
    assert found.symmetric_secret_key == base64.b64decode(good["symmetric_secret_key"])
    assert (found.symmetric_key_sn, found.signing_key_sn) == (good["symmetric_key_sn"], good["signing_key_sn"])
    assert list(found.platform_certificates) == list(good["platform_certificates"])


@pytest.mark.parametrize(
    "mangle",
    [
        lambda pem: pem.replace("\n", "\\n"),
        lambda pem: pem.replace("\n", "\\r\\n"),
        lambda pem: pem.replace("\n", " "),
        lambda pem: pem.replace("\n", ""),
        lambda pem: f"Bag Attributes\n{pem}\n\n",
    ],
    ids=["backslash-n", "backslash-r-n", "spaces", "one line", "text around"],
)
def test_line_breaks_survive_no_form_but_the_key_does(good, key, mangle):
    (number, certificate), = good["platform_certificates"].items()  # fmt: skip
    changed = {
        "signing_private_key": mangle(good["signing_private_key"]),
        "platform_certificates": {number: mangle(certificate)},
    }
    found = keys({**good, **changed})
    assert found.signing_private_key.private_numbers() == key.private_numbers()
    assert found.platform_certificates[number] == keys(good).platform_certificates[number]


def test_other_spellings(good, key):
    found = keys(
        {
            **good,
            "signing_private_key": private_pem(key),
            "symmetric_key_sn": f" {good['symmetric_key_sn']}\n",
            "symmetric_secret_key": f"{good['symmetric_secret_key']}\n",
            "platform_certificates": f'{{"one": "{public_pem(key)}", "two": "{public_pem(key)}"}}',
        }
    )
    assert found.signing_private_key.private_numbers() == key.private_numbers()
    assert found.symmetric_key_sn == good["symmetric_key_sn"]
    assert list(found.platform_certificates) == ["one", "two"]
    assert found.platform_certificates["one"] == key.public_key()


@pytest.mark.parametrize("name", NAMES)
def test_one_missing(good, name):
    with pytest.raises(ConfigurationError, match=f"Connection 'c': {name} empty, but API security needs all or none"):
        keys({**good, name: ""})


def test_all_but_one_missing(good):
    with pytest.raises(ConfigurationError, match="symmetric_secret_key and symmetric_key_sn and signing_private_key"):
        keys({"signing_key_sn": good["signing_key_sn"]})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("symmetric_secret_key", base64.b64encode(bytes(16)).decode(), r"32 bytes.*got 16 bytes.*SM4 and SM2"),
        ("symmetric_secret_key", "not base64!", "must be a base64 text of 32 bytes"),
        ("symmetric_secret_key", ["x"], "must be a base64 text of 32 bytes"),
        ("symmetric_key_sn", "a|b", "symmetric_key_sn must be a key number"),
        ("symmetric_key_sn", 7, "symmetric_key_sn must be a key number"),
        ("signing_key_sn", "a\r\nX-Header: 1", "signing_key_sn must be a key number"),
        ("signing_private_key", "canary", "signing_private_key must be a PEM text"),
        ("signing_private_key", 7, "signing_private_key must be a PEM text"),
        ("signing_private_key", "-----BEGIN PRIVATE KEY-----?-----END PRIVATE KEY-----", "must be a PEM text"),
        ("signing_private_key", "-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----", "an RSAPrivateKey"),
        ("signing_private_key", private_pem(SHORT), "has 1024 bits; WeChat's keys have 2048"),
        ("signing_private_key", private_pem(ec.generate_private_key(ec.SECP256R1())), "an RSAPrivateKey.*choose AES"),
        ("signing_private_key", public_pem(SHORT), "must hold an RSAPrivateKey .*got another PUBLIC KEY"),
        (
            "signing_private_key",
            private_pem(SHORT, encryption=BestAvailableEncryption(b"canary")),
            "must hold an RSAPrivateKey .*got another ENCRYPTED",
        ),
        ("platform_certificates", {}, "platform_certificates must be a JSON object of certificates by number"),
        ("platform_certificates", "{", "platform_certificates must be a JSON object"),
        ("platform_certificates", "[" * 100_000, "platform_certificates must be a JSON object"),
        ("platform_certificates", public_pem(SHORT), "platform_certificates must be a JSON object"),
        ("platform_certificates", {"1": "x"}, r"platform_certificates\['1'\] must be a PEM text"),
        ("platform_certificates", {"1": public_pem(SHORT)}, r"platform_certificates\['1'\] has 1024 bits"),
        ("platform_certificates", {"1": private_pem(SHORT)}, "must hold an RSAPublicKey.*got another PRIVATE"),
        ("platform_certificates", {"a b": public_pem(SHORT)}, "a key of platform_certificates must be a key number"),
        (
            "platform_certificates",
            {"1": public_pem(ec.generate_private_key(ec.SECP256R1()))},
            "must hold an RSAPublicKey.*SM4 and SM2 are not supported",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_a_key(good, name, value, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        keys({**good, name: value})
    assert "Connection 'c'" in str(caught.value)
    error: BaseException | None = caught.value
    while error:  # no error of the library is left behind, nor what was in the field
        assert isinstance(error, ConfigurationError)
        assert "canary" not in str(error)
        error = error.__context__


def test_keys_stay_out_of_the_repr(good):
    text = repr(keys(good))
    assert good["symmetric_key_sn"] in text
    assert "secret" not in text
    assert "signing_private_key" not in text
