"""WeChat's API security (服务通信二次加密和签名): how a message is encrypted and signed, the same in both directions.

AES-256-GCM and RSA-PSS with SHA-256; WeChat's alternative, SM4 and SM2, is not supported. Pure: no clock, no network.

.. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/getting_started/api_signature.html
"""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

KEY_BYTES = 32
SALT_BYTES = 32
_IV_BYTES = 12
_TAG_BYTES = 16


class Frame(NamedTuple):
    """What a message is tied to: under another frame it neither verifies nor decrypts.

    :param url: the address called, with scheme and host, without the query.
    :param appid: AppID.
    :param timestamp: when the message was made, in Unix seconds.
    """

    url: str
    appid: str
    timestamp: int

    def signed(self, body: bytes) -> bytes:
        """Return what is signed: four lines, the last of them the body byte for byte."""
        return f"{self.url}\n{self.appid}\n{self.timestamp}\n".encode() + body

    def authenticated(self, key_sn: str) -> bytes:
        """Return what AES-GCM authenticates besides the ciphertext."""
        return f"{self.url}|{self.appid}|{self.timestamp}|{key_sn}".encode()


def encrypt(plain: bytes, frame: Frame, key: bytes, key_sn: str, *, iv: bytes | None = None) -> bytes:
    """Return the body that carries ``plain``.

    :param plain: the message, JSON.
    :param frame: what to tie it to.
    :param key: the symmetric key, 32 bytes.
    :param key_sn: the key's number.
    :param iv: 12 bytes that no other message under this key has; left out, they are random.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    iv = iv or os.urandom(_IV_BYTES)
    sealed = AESGCM(key).encrypt(iv, plain, frame.authenticated(key_sn))
    parts = {"iv": iv, "data": sealed[:-_TAG_BYTES], "authtag": sealed[-_TAG_BYTES:]}
    texts = {name: base64.b64encode(part).decode() for name, part in parts.items()}
    return json.dumps(texts, separators=(",", ":")).encode()


def decrypt(body: bytes, frame: Frame, key: bytes, key_sn: str) -> bytes | None:
    """Return the message that ``body`` carries; ``None`` if it is not what was encrypted with this key and frame."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        parts = json.loads(body)
        iv, data, tag = (_bytes(parts[name]) for name in ("iv", "data", "authtag"))
        if (len(iv), len(tag)) != (_IV_BYTES, _TAG_BYTES):
            return None
        return AESGCM(key).decrypt(iv, data + tag, frame.authenticated(key_sn))
    except (ValueError, TypeError, KeyError, RecursionError, InvalidTag):
        return None


def sign(body: bytes, frame: Frame, key: RSAPrivateKey) -> str:
    """Return the signature of a body, for the header."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    pss = padding.PSS(padding.MGF1(hashes.SHA256()), SALT_BYTES)
    return base64.b64encode(key.sign(frame.signed(body), pss, hashes.SHA256())).decode()


def verify(body: bytes, frame: Frame, signature: str, key: RSAPublicKey) -> bool:
    """Return whether ``signature`` is the key's for exactly this body and frame."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    pss = padding.PSS(padding.MGF1(hashes.SHA256()), SALT_BYTES)
    try:
        key.verify(_bytes(signature), frame.signed(body), pss, hashes.SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def _bytes(text: Any) -> bytes:
    return base64.b64decode(text, validate=True)
