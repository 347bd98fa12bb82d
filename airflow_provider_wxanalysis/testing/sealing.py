"""WeChat's API security (服务通信二次加密和签名), written from its guide for this server alone.

The provider has an implementation of its own. They share no code, so that a mistake in one of them cannot hide behind
the same mistake in the other; each is checked against the guide's worked example.

.. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/getting_started/api_signature.html
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import PSS
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


@dataclass(frozen=True)
class Letter:
    """What both the encryption and the signature of a message cover besides its text.

    :param urlpath: the URL called, without the query.
    :param appid: AppID.
    :param timestamp: Unix seconds.
    """

    urlpath: str
    appid: str
    timestamp: int

    def lock(self, text: bytes, key: bytes, key_sn: str, iv: bytes | None = None) -> bytes:
        """Return the body that carries a text, encrypted with AES-256-GCM.

        :param text: what to send.
        :param key: the symmetric key.
        :param key_sn: the key's number.
        :param iv: 12 bytes; ``None`` for random ones.
        """
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        iv = iv or secrets.token_bytes(12)
        encryptor = Cipher(algorithms.AES256(key), modes.GCM(iv)).encryptor()
        encryptor.authenticate_additional_data(self._associated(key_sn))
        ciphertext = encryptor.update(text) + encryptor.finalize()
        iv64, data64, tag64 = (b64encode(part).decode("ascii") for part in (iv, ciphertext, encryptor.tag))
        return f'{{"iv":"{iv64}","data":"{data64}","authtag":"{tag64}"}}'.encode("ascii")

    def unlock(self, body: bytes, key: bytes, key_sn: str) -> bytes:
        """Return the text that a body carries.

        :raises ValueError: if the body was not locked with this key for this letter.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        try:
            parsed = json.loads(body)
            iv, ciphertext, tag = (b64decode(parsed[name], validate=True) for name in ("iv", "data", "authtag"))
            if len(iv) != 12 or len(tag) != 16:
                raise ValueError("The iv must have 12 bytes and the authtag 16.")
            decryptor = Cipher(algorithms.AES256(key), modes.GCM(iv, tag)).decryptor()
            decryptor.authenticate_additional_data(self._associated(key_sn))
            return decryptor.update(ciphertext) + decryptor.finalize()
        except (TypeError, KeyError, RecursionError, InvalidTag):
            raise ValueError("The body cannot be decrypted.") from None

    def sign(self, body: bytes, key: RSAPrivateKey) -> str:
        """Return the signature of a body, in base64."""
        from cryptography.hazmat.primitives.hashes import SHA256

        return b64encode(key.sign(self._signed(body), _pss(), SHA256())).decode("ascii")

    def is_signed(self, body: bytes, signature: str, key: RSAPublicKey) -> bool:
        """Return whether a signature belongs to this body and letter."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            key.verify(b64decode(signature, validate=True), self._signed(body), _pss(), SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True

    def _associated(self, key_sn: str) -> bytes:
        return "|".join((self.urlpath, self.appid, str(self.timestamp), key_sn)).encode()

    def _signed(self, body: bytes) -> bytes:
        return b"\n".join((self.urlpath.encode(), self.appid.encode(), str(self.timestamp).encode(), body))


def _pss() -> PSS:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
    from cryptography.hazmat.primitives.hashes import SHA256

    return PSS(mgf=MGF1(SHA256()), salt_length=32)
