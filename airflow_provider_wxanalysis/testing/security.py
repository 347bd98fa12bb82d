"""API security on WeChat's side: it checks sealed requests, seals replies, and changes its certificate."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.testing.answers import Answer, refuse, written
from airflow_provider_wxanalysis.testing.request import Request, parsed
from airflow_provider_wxanalysis.testing.sealing import Letter

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

#: How far a request's time may be from the server's, in seconds.
_TOLERANCE = 300

#: What a request must carry, and the error code without it.
_HEADERS = {
    "wechatmp-serial": 40230,
    "wechatmp-timestamp": 40231,
    "wechatmp-signature": 40232,
    "wechatmp-appid": 40233,
}


class ApiSecurity:
    """The keys that all apps of a server share, and what WeChat does with them.

    Stricter than WeChat in one point: ``Wechatmp-Serial`` is demanded, which its documentation names only
    among the error codes. Timestamps follow this machine's clock, whatever the server's ``now``.

    :param symmetric_key: 32 bytes; new ones if left out.
    :param signing_key: the developer's RSA key as PEM; a new one if left out.
    :param platform_key: WeChat's own RSA key as PEM; a new one if left out.
    """

    def __init__(
        self, symmetric_key: bytes | None = None, signing_key: str | None = None, platform_key: str | None = None
    ) -> None:
        self._symmetric_key = symmetric_key or secrets.token_bytes(32)
        self._symmetric_key_sn = _number(self._symmetric_key)
        self._signing_key = _rsa_key(signing_key)
        self._signing_key_sn = _number(_der(self._signing_key))
        #: WeChat's keys; the first signs, the others as deprecated.
        self._platform_keys = [_rsa_key(platform_key)]
        self._former: dict[tuple[str, str | None], Answer] = {}

    def extra(self) -> dict[str, Any]:
        """Return what a connection's extra must hold, with every certificate that WeChat signs with now."""
        return {
            "symmetric_secret_key": base64.b64encode(self._symmetric_key).decode(),
            "symmetric_key_sn": self._symmetric_key_sn,
            "signing_private_key": _pem(self._signing_key),
            "signing_key_sn": self._signing_key_sn,
            "platform_certificates": {_number(_der(key)): _certificate(key) for key in self._platform_keys},
        }

    def rotate(self) -> None:
        """Sign with a new certificate from now on, and also, as deprecated, with the old one."""
        self._platform_keys = [_rsa_key(None), self._platform_keys[0]]

    def retire(self) -> None:
        """End the rotation: the old certificate no longer signs."""
        del self._platform_keys[1:]

    def open(self, request: Request, known: Callable[[str], bool]) -> Any:
        """Return the body that a request carries, and mark the request as sealed.

        :param request: the request, with the AppID that its token belongs to.
        :param known: whether there is an app of that id.
        :raises RefusedError: if it is not encrypted and signed as it must be.
        """
        serial, timestamp, signature, appid = (_header(request, name) for name in _HEADERS)
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
            raise refuse(40231)
        if appid != request.appid:
            raise refuse(40237 if known(appid) else 40236)
        if serial != self._signing_key_sn:
            raise refuse(40239)
        if abs(time.time() - int(timestamp)) > _TOLERANCE:
            raise refuse(40240)
        letter = Letter(_url(request), appid, int(timestamp))
        body = request.raw or b""
        if not letter.is_signed(body, signature, self._signing_key.public_key()):
            raise refuse(40234)
        try:
            text = letter.unlock(body, self._symmetric_key, self._symmetric_key_sn)
        except ValueError:
            raise refuse(40235) from None
        params = parsed(text)
        if not isinstance(params, dict) or not isinstance(params.pop("_n", None), str):
            raise refuse(40235)
        if params.pop("_appid", None) != appid:
            raise refuse(40236)
        if params.pop("_timestamp", None) != letter.timestamp:
            raise refuse(40231)
        request.sealed = True
        return params

    def seal(self, answer: Answer, request: Request) -> Answer:
        """Return the answer to a sealed request, encrypted and signed if it reports no error."""
        reply = answer.reply
        if answer.status != 200 or answer.text is not None or not isinstance(reply, dict) or reply.get("errcode", 0):
            return answer
        if answer.seal == "none":
            return answer
        letter = Letter(_url(request), request.appid or "", int(time.time() - answer.age))
        plain = {"_n": _nonce(), "_appid": letter.appid, "_timestamp": letter.timestamp, **reply}
        body = self._locked(letter, plain)
        headers = {"Wechatmp-Appid": letter.appid, "Wechatmp-TimeStamp": str(letter.timestamp)}
        for key, suffix in zip(self._platform_keys, ("", "-Deprecated"), strict=False):
            headers[f"Wechatmp-Serial{suffix}"] = _number(_der(key))
            headers[f"Wechatmp-Signature{suffix}"] = letter.sign(body, key)
        if answer.seal == "tampered":
            body = self._locked(letter, {**plain, "tampered": True})
        sealed = replace(answer, text=body.decode(), headers=headers)
        whose = request.path, request.appid
        if answer.seal == "replayed":
            return self._former.get(whose, sealed)
        if answer.good:
            self._former[whose] = sealed
        return sealed

    def _locked(self, letter: Letter, plain: dict[str, Any]) -> bytes:
        return letter.lock(written(plain).encode(), self._symmetric_key, self._symmetric_key_sn)


def _header(request: Request, name: str) -> str:
    value = request.headers.get(name)
    if not value:
        raise refuse(_HEADERS[name])
    return value


def _url(request: Request) -> str:
    return f"http://{request.headers.get('host', '')}{request.path}"


def _nonce() -> str:
    return base64.b64encode(secrets.token_bytes(16)).decode().rstrip("=")


def _number(material: bytes) -> str:
    """Return a key's number, which looks like WeChat's and is the same for the same key."""
    return hashlib.sha256(material).hexdigest()[:32]


def _rsa_key(pem: str | None) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), None) if pem else rsa.generate_private_key(65537, 2048)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("The key must be an RSA key.")
    return key


def _der(key: RSAPrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(key: RSAPrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    # WeChat's console hands out this older format.
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def _certificate(key: RSAPrivateKey) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "WeChat on this machine")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=365))
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
