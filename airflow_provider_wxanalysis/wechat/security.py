"""One app's side of WeChat's API security: requests leave encrypted and signed, and only WeChat's own replies come in.

A reply does not identify the request it answers: neither the request's nonce nor its time comes back. So only a reply
that this session has had before, or an old one, is refused as a replay. A reply that WeChat made for another request to
the same address within these minutes, and that an attacker who broke TLS swaps in, passes here. If it is another
period's, its ``ref_date`` gives it away; nothing does if it is the same period's, such as the same day's
``performance_data`` for another module or filter.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl

from airflow_provider_wxanalysis.catalogue.json_text import parse
from airflow_provider_wxanalysis.catalogue.values import Malformed
from airflow_provider_wxanalysis.exceptions import PayloadError
from airflow_provider_wxanalysis.wechat.signature import Frame, decrypt, encrypt, sign, verify

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.wechat.keys import Keys

#: How far a reply's time may be from this worker's, in seconds; WeChat's documentation sets it.
MAX_SKEW = 300
#: Where a reply says which certificate signed it, and the signature; the second pair while WeChat changes certificates.
_SIGNATURES = (
    ("wechatmp-serial", "wechatmp-signature"),
    ("wechatmp-serial-deprecated", "wechatmp-signature-deprecated"),
)


class Security:
    """Seals requests and opens replies; safe to share between threads.

    :param appid: AppID.
    :param keys: the account's keys.
    :param clock: returns the Unix time.
    """

    def __init__(self, appid: str, keys: Keys, clock: Callable[[], float] = time.time) -> None:
        self._appid = appid
        self._keys = keys
        self._clock = clock
        # A reply is accepted up to MAX_SKEW either side of its time, so it must be remembered for twice as long.
        self._seen = _Seen(2 * MAX_SKEW)

    def seal(self, url: str, params: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        """Encrypt and sign a request.

        :param url: the address to call, without the access token.
        :param params: the request's own body.
        :return: the body and headers to send.
        """
        address, _, query = url.partition("?")
        frame = Frame(address, self._appid, int(self._clock()))
        plain = {
            **dict(parse_qsl(query)),
            **params,
            "_n": nonce(),
            "_appid": self._appid,
            "_timestamp": frame.timestamp,
        }
        keys = self._keys
        body = encrypt(
            json.dumps(plain, ensure_ascii=False).encode(), frame, keys.symmetric_secret_key, keys.symmetric_key_sn
        )
        return body, {
            "Wechatmp-Appid": self._appid,
            "Wechatmp-TimeStamp": str(frame.timestamp),
            "Wechatmp-Serial": keys.signing_key_sn,
            "Wechatmp-Signature": sign(body, frame, keys.signing_private_key),
        }

    def open(self, url: str, body: bytes, headers: Mapping[str, str], endpoint: str) -> dict[str, Any]:
        """Verify and decrypt a reply.

        :param url: the address that was called.
        :param body: the reply's body.
        :param headers: the reply's headers, their names in any case.
        :param endpoint: name for messages.
        :return: WeChat's reply, without the fields that API security adds.
        :raises PayloadError: if it is not signed, not WeChat's, not of now, seen before, or not for this app.
        """
        headers = {name.lower(): value for name, value in headers.items()}
        frame = Frame(url.partition("?")[0], self._appid, _timestamp(headers, endpoint))
        self._verify(body, frame, headers, endpoint)
        now = self._clock()
        if abs(now - frame.timestamp) > MAX_SKEW:
            side = "behind" if frame.timestamp < now else "ahead of"
            _refuse(
                endpoint,
                f"its time is {abs(now - frame.timestamp):.0f} s {side} this worker's clock",
                "Set the clock (NTP); if it is right, old replies are being sent again.",
            )
        if self._seen.before(hashlib.sha256(frame.signed(body)).digest(), now):
            _refuse(endpoint, "it is one that came before", "Look for a proxy that caches, or for an attack.")
        reply = self._decrypt(body, frame, endpoint)
        if (reply.pop("_appid", None), reply.pop("_timestamp", None)) != (frame.appid, frame.timestamp):
            _refuse(endpoint, "its text is of another app or time than its signature", "Please report it.")
        reply.pop("_n", None)
        return reply

    def _verify(self, body: bytes, frame: Frame, headers: Mapping[str, str], endpoint: str) -> None:
        held = self._keys.platform_certificates
        given = [(headers[serial], headers.get(name, "")) for serial, name in _SIGNATURES if serial in headers]
        known = [(held[serial], signature) for serial, signature in given if serial in held]
        if not known:
            numbers = " and ".join(serial for serial, _ in given) or "without number"
            _refuse(
                endpoint,
                f"it is signed with certificate {numbers[:100]!r}, the connection holds {', '.join(held)}",
                "If WeChat's console shows that number, add the certificate to platform_certificates.",
            )
        if not any(verify(body, frame, signature, certificate) for certificate, signature in known):
            _refuse(
                endpoint,
                "its signature is wrong",
                "Either it was changed on the way, or a number in platform_certificates is another certificate's.",
            )

    def _decrypt(self, body: bytes, frame: Frame, endpoint: str) -> dict[str, Any]:
        plain = decrypt(body, frame, self._keys.symmetric_secret_key, self._keys.symmetric_key_sn)
        reply = None
        if plain is not None:
            try:
                reply = parse(plain)
            except (ValueError, Malformed):
                reply = None  # refused below, because the decoder's error holds the text
        if not isinstance(reply, dict):
            _refuse(
                endpoint,
                "it cannot be decrypted",
                "Compare symmetric_secret_key and symmetric_key_sn with the console.",
            )
        return reply


def nonce() -> str:
    """Return random text of a length that varies, as WeChat's documentation recommends."""
    return base64.b64encode(os.urandom(16 + secrets.randbelow(17))).decode().rstrip("=")


def _timestamp(headers: Mapping[str, str], endpoint: str) -> int:
    text = headers.get("wechatmp-timestamp", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        _refuse(
            endpoint,
            "it is not signed",
            "Look for a proxy that drops the headers that begin with Wechatmp. If API security is off in WeChat's "
            "console, take its keys out of the connection.",
        )
    return int(text)


def _refuse(endpoint: str, what: str, remedy: str) -> NoReturn:
    raise PayloadError(f"{endpoint}: WeChat's reply is refused: {what}. {remedy}")


class _Seen:
    """Remembers items for at least ``seconds``, and at most for twice as long."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._former: set[bytes] = set()
        self._current: set[bytes] = set()
        self._turn = 0.0
        self._lock = threading.Lock()

    def before(self, item: bytes, now: float) -> bool:
        """Return whether ``item`` was shown before, and remember it."""
        with self._lock:
            if now >= self._turn:
                self._former, self._current, self._turn = self._current, set(), now + self._seconds
            if item in self._former or item in self._current:
                return True
            self._current.add(item)
            return False
