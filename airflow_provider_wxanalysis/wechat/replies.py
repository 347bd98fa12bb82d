"""Strict parsing of a reply over HTTP."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.catalogue.json_text import parse
from airflow_provider_wxanalysis.catalogue.values import Malformed
from airflow_provider_wxanalysis.exceptions import PayloadError, TransportError

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.wechat.wire import Received

log = logging.getLogger(__name__)

IN_BETWEEN = (
    "Look for a proxy, firewall or login page that answers in WeChat's place, and check host in the connection."
)
_ADVICE = {
    401: "If it is your token server, check central_authorization in the connection.",
    404: "Nothing is there; check host, or central_url, in the connection.",
    405: "It is probably not WeChat's API that answers; check host in the connection.",
    412: "WeChat says so when Content-Length is missing; look for a proxy that sends chunked bodies.",
    429: "Something in front of WeChat limits the rate; lower it with requests_per_minute.",
}
_REDIRECT = "Redirects are not followed, as they would take the token along; check host, central_url and proxies."


def parse_reply(received: Received, where: str) -> dict[str, Any]:
    """Return the JSON object that a reply holds.

    :param received: the reply.
    :param where: endpoint and period, for messages.
    :raises TransportError: if the status is not 200, or the body is not JSON.
    :raises PayloadError: if the JSON is not an object, or is ambiguous.
    """
    status = received.status
    if status != 200:
        other = "Try again later." if status >= 500 else _REDIRECT if 300 <= status < 400 else IN_BETWEEN
        busy = status >= 500 or status == 429
        raise TransportError(f"{where}: HTTP status {status} instead of 200. {_ADVICE.get(status, other)}", busy=busy)
    found = _parse(received.body, where)
    if found is _BROKEN:  # raised here, because the decoder's error holds the body, and that may hold a token
        kind = received.headers.get("content-type", "no content type")[:100]
        raise TransportError(f"{where}: the reply ({len(received.body)} bytes, {kind}) is not JSON. {IN_BETWEEN}")
    if not isinstance(found, dict):
        raise PayloadError(f"{where}: the reply must be a JSON object, got {type(found).__name__}. {IN_BETWEEN}")
    return found


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
