"""The keys of an account with API security, as an Airflow connection holds them: read and checked before any call."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.wechat.signature import KEY_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

SHORTEST_RSA_BITS = 2048
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_LINE_BREAKS = re.compile(r"\\[nr]|\s")
_NUMBER = re.compile(r"[0-9A-Za-z_-]+", re.ASCII)
_CHOOSE = "In the WeChat console choose AES-256 and RSA; SM4 and SM2 are not supported."


@dataclass(frozen=True)
class Keys:
    """What WeChat's console lists under API security; each field is named as in the connection's extra.

    :param symmetric_secret_key: the key that both sides encrypt with, 32 bytes.
    :param symmetric_key_sn: its number.
    :param signing_private_key: the key that signs requests; the console has its public half.
    :param signing_key_sn: its number.
    :param platform_certificates: number -> public key of WeChat's certificate, which replies are signed with; during
        a rotation the old one and the new one.
    """

    symmetric_secret_key: bytes = field(repr=False)
    symmetric_key_sn: str
    signing_private_key: RSAPrivateKey = field(repr=False)
    signing_key_sn: str
    platform_certificates: Mapping[str, RSAPublicKey]


#: The connection's extra fields: all of them, or none.
NAMES = tuple(each.name for each in fields(Keys))


def read_keys(extra: Mapping[str, Any]) -> Keys | None:
    """Read the keys of a connection.

    :param extra: the connection's extra, without empty fields.
    :return: the keys; ``None`` if the connection has none of them.
    :raises ConfigurationError: naming the field, if one is missing or cannot be a key.
    """
    missing = [name for name in NAMES if name not in extra]
    if len(missing) == len(NAMES):
        return None
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} empty, but API security needs all or none of {', '.join(NAMES)}."
        )
    return Keys(
        symmetric_secret_key=_symmetric_key("symmetric_secret_key", extra["symmetric_secret_key"]),
        symmetric_key_sn=_number("symmetric_key_sn", extra["symmetric_key_sn"]),
        signing_private_key=_private_key("signing_private_key", extra["signing_private_key"]),
        signing_key_sn=_number("signing_key_sn", extra["signing_key_sn"]),
        platform_certificates=_certificates("platform_certificates", extra["platform_certificates"]),
    )


def _symmetric_key(name: str, value: Any) -> bytes:
    key = b""
    with contextlib.suppress(ValueError, TypeError):
        key = base64.b64decode(value.strip() if isinstance(value, str) else value, validate=True)
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{name} must be a base64 text of {KEY_BYTES} bytes, as in the console, got {len(key)} bytes. {_CHOOSE}"
        )
    return key


def _number(name: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text):
        raise ConfigurationError(f"{name} must be a key number such as fa05fe1e5bcc79b81ad5ad4b58acf787.")
    return text


def _private_key(name: str, value: Any) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    key: RSAPrivateKey = _rsa(name, value, RSAPrivateKey, lambda kind, der: load_der_private_key(der, None))
    return key


def _certificates(name: str, value: Any) -> dict[str, RSAPublicKey]:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from cryptography.x509 import load_der_x509_certificate

    def load(kind: str, der: bytes) -> Any:
        return load_der_x509_certificate(der).public_key() if kind == "CERTIFICATE" else load_der_public_key(der)

    if isinstance(value, str):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value, strict=False)  # line breaks within a PEM text as they are
    if not isinstance(value, dict) or not value:
        raise ConfigurationError(
            f'{name} must be a JSON object of certificates by number: {{"number": "-----BEGIN CERTIFICATE-----…"}}.'
        )
    return {
        _number(f"a key of {name}", number): _rsa(f"{name}[{number!r}]", pem, RSAPublicKey, load)
        for number, pem in value.items()
    }


def _rsa(name: str, value: Any, wanted: Any, load: Callable[[str, bytes], Any]) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm

    kind, der = _unwrap(name, value)
    key = None
    # The library's own errors are dropped, not chained: they may show parts of the key.
    with contextlib.suppress(ValueError, TypeError, UnsupportedAlgorithm):
        key = load(kind, der)
    if not isinstance(key, wanted):
        raise ConfigurationError(
            f"{name} must hold an {wanted.__name__} without passphrase, got another {kind}. {_CHOOSE}"
        )
    if key.key_size < SHORTEST_RSA_BITS:
        raise ConfigurationError(f"{name} has {key.key_size} bits; WeChat's keys have {SHORTEST_RSA_BITS}.")
    return key


def _unwrap(name: str, pem: Any) -> tuple[str, bytes]:
    """Return the kind and the bytes of a PEM text, however its line breaks came through JSON and forms."""
    found = _PEM.search(pem) if isinstance(pem, str) else None
    if found:
        with contextlib.suppress(ValueError):
            return found[1], base64.b64decode(_LINE_BREAKS.sub("", found[2]), validate=True)
    raise ConfigurationError(f"{name} must be a PEM text: -----BEGIN … KEY----- or CERTIFICATE, base64, -----END ….")
