"""A reply over HTTP: read within bounds of time and size, and taken apart strictly."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.catalogue.json_text import parse
from airflow_provider_wxanalysis.catalogue.values import Malformed
from airflow_provider_wxanalysis.exceptions import PayloadError, TransportError

if TYPE_CHECKING:
    import urllib3

log = logging.getLogger(__name__)

#: A reply must be whole after this many times the connection's ``timeout``, which bounds single waits only.
PATIENCE = 10
#: What goes into one BigQuery statement is under 8 MB; no reply of WeChat's comes near this.
MAX_REPLY_BYTES = 32 * 2**20
IN_BETWEEN = (
    "Look for a proxy, firewall or login page that answers in WeChat's place, and check host in the connection."
)
_ADVICE = {
    401: "If it is your token server, check central_authorization in the connection.",
    404: "Nothing is there; check host, or central_url, in the connection.",
    405: "It is hardly WeChat's API that answers; check host in the connection.",
    412: "WeChat says so when Content-Length is missing; look for a proxy that sends chunked bodies.",
    429: "Something in front of WeChat limits the rate; lower it with requests_per_minute.",
}
_REDIRECT = "WeChat does not redirect; check host in the connection, and proxies."


class Endless(OSError):
    """A reply that does not end within its time or size."""


def read_body(raw: urllib3.BaseHTTPResponse, timeout: float) -> bytes:
    """Read a body as it comes; urllib3 would wait for each piece anew, and so for ever if pieces keep coming.

    :param raw: what is being received.
    :param timeout: the connection's, in seconds.
    :raises Endless: if it does not end.
    """
    seconds = timeout * PATIENCE
    ends_at = time.monotonic() + seconds
    content = bytearray()
    while piece := raw.read1(2**16, decode_content=True):
        content += piece
        if len(content) > MAX_REPLY_BYTES:
            raise Endless(f"sent more than {MAX_REPLY_BYTES // 2**20} MB")
        if time.monotonic() > ends_at:
            raise Endless(f"did not end its reply within {seconds:g} s")
    return bytes(content)


def parse_reply(response: urllib3.BaseHTTPResponse, content: bytes, where: str) -> dict[str, Any]:
    """Return the JSON object that a reply holds.

    :param response: status and headers.
    :param content: the body.
    :param where: endpoint and period, for messages.
    :raises TransportError: if the status is not 200, or the body no JSON.
    :raises PayloadError: if the JSON is no object, or says two things at once.
    """
    status = response.status
    if status != 200:
        other = "Try again later." if status >= 500 else _REDIRECT if 300 <= status < 400 else IN_BETWEEN
        busy = status >= 500 or status == 429
        raise TransportError(f"{where}: HTTP status {status} instead of 200. {_ADVICE.get(status, other)}", busy=busy)
    reply = _parse(content, where)
    if reply is _BROKEN:  # raised here, because the decoder's error holds the body, and that may hold a token
        kind = response.headers.get("Content-Type", "no content type")[:100]
        raise TransportError(f"{where}: the reply ({len(content)} bytes, {kind}) is not JSON. {IN_BETWEEN}")
    if not isinstance(reply, dict):
        raise PayloadError(f"{where}: the reply must be a JSON object, got {type(reply).__name__}. {IN_BETWEEN}")
    return reply


_BROKEN = object()


def _parse(content: bytes, where: str) -> Any:
    for lenient in (False, True):
        try:
            reply = parse(content, control_characters=lenient)
        except Malformed as error:
            raise PayloadError(f"{where}: {error}. Nothing was taken from it; if that lasts, report it.") from None
        except ValueError:
            continue
        if lenient:
            log.warning("%s: the reply holds raw control characters, which JSON forbids; taken as it came.", where)
        return reply
    return _BROKEN
