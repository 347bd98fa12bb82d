"""What goes back over the socket: a reply, and how it is delivered."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = "application/json; charset=utf-8"

#: A text for each error code that these endpoints are known to give: WeChat's own where it is known.
ERRMSGS: Mapping[int, str] = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40066: "invalid url",
    40125: "invalid appsecret",
    40164: "invalid ip 203.0.113.7, not in whitelist",
    40230: "missing serial number",
    40231: "invalid timestamp",
    40232: "missing signature",
    40233: "missing appid",
    40234: "invalid signature",
    40235: "invalid encrypt",
    40236: "invalid appid",
    40237: "appid does not match access_token",
    40238: "no symmetric key",
    40239: "no public key",
    40240: "timestamp expired",
    40243: "appsecret is frozen",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    42001: "access_token expired",
    43002: "require POST method",
    43003: "require https",
    44002: "empty post data",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit  must slower  retry next minute",
    47001: "data format error",
    48001: "api unauthorized",
    48004: "api forbidden",
    48006: "forbid to clear quota because of reaching the limit",
    48017: "server ip is retired, use the domain name",
    50002: "user limited",
    50004: "forbidden to use the token interface",
    50007: "account is frozen",
    61003: "component is not authorized by this account",
    61004: "access clientip is not registered",
    61005: "component ticket is expired",
    61006: "component ticket is invalid",
    61007: "api is unauthorized to component",
    61011: "invalid component",
    61014: "must use component token for component api",
    61015: "must use biz account token for not component api",
    61016: "function category of API need be confirmed by component",
    61017: "function category is not authorized",
    61023: "refresh_token is invalid",
    61024: "must use api_component_token to get token for component acct",
    61500: "date format error",
    61501: "date range error",
    61502: "this is game miniprogram, data api is not supported",
    61503: "data not ready, please try later",
    61504: "system busy now, please try later",
    76003: "invalid parameter",
    76021: "cgi_path not found, please check",
    76022: "could not use this cgi_path, no permission",
    89501: "ip is waiting for the administrator's confirmation",
    89502: "ip is waiting for the administrator's confirmation",
    89503: "this call needs the administrator's confirmation",
    89504: "ip is waiting for the administrator's confirmation",
    89505: "ip is waiting for the administrator's confirmation",
    89506: "the administrator refused this ip twice, retry after 24 hours",
    89507: "the administrator refused this ip, retry after 1 hour",
    9001001: "invalid POST data",
}


@dataclass(frozen=True)
class Answer:
    """A reply and how it is delivered. The defaults are those of a healthy server.

    :param reply: the JSON value to send.
    :param status: HTTP status.
    :param text: sent as it is in place of ``reply``, if given.
    :param content_type: the Content-Type header.
    :param delay: seconds to wait before anything is sent.
    :param spread: seconds over which the body trickles.
    :param cut: whether to send half of the body and close.
    :param reset: whether to send nothing and reset the connection, or with ``cut`` half of the body before.
    :param endless: seconds between the pieces of a body that never ends; ``None`` for one that does.
    :param raw: bytes sent in place of head and body, if given; the connection is closed after them.
    :param rest: what an endless reply goes on with.
    :param headers: further headers.
    :param seal: how API security protects it, where the request was sealed: ``good``, ``none``, ``tampered`` with
        after signing, or ``replayed``, which is the sealed reply before it.
    :param age: seconds since it was signed, by its own timestamp.
    """

    reply: Any = field(default=None, repr=False)  # may hold a token
    status: int = 200
    text: str | None = field(default=None, repr=False)
    content_type: str = JSON
    delay: float = 0.0
    spread: float = 0.0
    cut: bool = False
    reset: bool = False
    endless: float | None = None
    raw: bytes | None = field(default=None, repr=False)
    rest: bytes = b" "
    headers: Mapping[str, str] = field(default_factory=dict)
    seal: Literal["good", "none", "tampered", "replayed"] = "good"
    age: float = 0.0

    @property
    def body(self) -> bytes:
        """The bytes of the body."""
        return (written(self.reply) if self.text is None else self.text).encode()

    @property
    def intact(self) -> bool:
        """Whether the client gets the JSON reply whole, and can trust it."""
        whole = not (self.cut or self.reset) and self.endless is None and self.raw is None
        return self.status == 200 and self.text is None and whole and self.seal == "good" and not self.age

    @property
    def errcode(self) -> int:
        """The reply's error code; 0 if it has none."""
        found = self.reply.get("errcode", 0) if self.intact and isinstance(self.reply, dict) else 0
        return found if isinstance(found, int) else 0

    @property
    def good(self) -> bool:
        """Whether the client gets a JSON reply, whole, that reports no error."""
        return self.intact and self.errcode == 0


class RefusedError(Exception):
    """The request breaks a rule; ``answer`` is what the client gets."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def written(reply: Any) -> str:
    r"""Return a JSON value as WeChat writes it: without spaces, and a slash as ``\/``, which real page paths have."""
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).replace("/", r"\/")


def error(errcode: int) -> Answer:
    """Return what WeChat answers for an error: HTTP 200, the code, its text and a request id."""
    # The first part of a real request id reads as a Unix time.
    rid = f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return Answer({"errcode": errcode, "errmsg": f"{ERRMSGS.get(errcode, 'unknown error')} rid: {rid}"})


def refuse(errcode: int) -> RefusedError:
    """Return the exception that makes the server answer with ``errcode``."""
    return RefusedError(error(errcode))


def refuse_http(status: int, text: str) -> RefusedError:
    """Return the exception that makes the server answer with an HTTP status other than 200."""
    return RefusedError(Answer(status=status, text=text, content_type="text/plain; charset=utf-8"))
