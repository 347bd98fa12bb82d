"""Every fault, provoked on a real socket, and what became of it."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import logging
import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from unittest import mock

from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY
from airflow_provider_wxanalysis.testing import WeChatServer, faults
from airflow_provider_wxanalysis.wechat import wire
from airflow_provider_wxanalysis.wechat.channel import Outgoing
from airflow_provider_wxanalysis.wechat.remedies import ERRCODES
from airflow_provider_wxanalysis.wechat.waits import Stop
from tests.support.canary import Leaks, shown
from tests.support.servers import free_port

APP = "wx00000000000000a1"
ENDPOINT = "daily_summary"
CALLS = ("token", "data")
UNKNOWN_CODE = 12345


def _refuse_names(*_: Any, **__: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@contextmanager
def _no_names(server: WeChatServer) -> Iterator[None]:
    """No name is resolved. The only fault that is faked: real name servers cannot be told to fail."""
    with mock.patch.object(socket, "getaddrinfo", _refuse_names):
        yield


@contextmanager
def _nobody_listens(server: WeChatServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@dataclass(frozen=True)
class Case:
    """One fault: of the server, of the way to it, or of the environment; and the connection's ``timeout``, in seconds.

    :param patience: how many times ``timeout`` a whole reply may take.
    """

    fault: faults.Fault | None = None
    way: Callable[[WeChatServer], Any] | None = None
    timeout: float = 10.0
    patience: float = 1.0
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> tuple[str, ...]:
        """Where it can happen: only data calls have figures."""
        return ("data",) if self.fault and self.fault.good_only else CALLS


def _text(body: str) -> Case:
    return Case(faults.http(200, body))


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
OTHER = b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"errcode":48001,"list":[]}'


def _sized(body: bytes, *headers: bytes) -> bytes:
    """A reply with these headers, and its length."""
    return OK + b"".join(b"%s\r\n" % header for header in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _chunks(body: bytes, size: bytes = b"%x") -> bytes:
    """A reply in chunks: the first five bytes, and the rest."""
    return CHUNKED + b"".join(size % len(part) + b"\r\n" + part + b"\r\n" for part in (body[:5], body[5:], b""))


def _flood(first: bytes, rest: bytes) -> Case:
    return Case(faults.raw(lambda body: first, rest))


def _drip(first: bytes, rest: bytes) -> Case:
    """Each piece comes in time, and there is no end to them."""
    return Case(faults.raw(lambda body: first, rest, pause=0.005), patience=0.05)


def _bytes(make: Callable[[bytes], bytes]) -> Case:
    return Case(faults.raw(make))


#: Replies byte by byte: what breaks HTTP, what never ends, what is more than was asked for.
WIRE: Mapping[str, Case] = {
    "headers that drip": _drip(OK, b"X: y\r\n"),
    "chunk size that drips": _drip(CHUNKED, b"0"),
    "trailers that drip": _drip(CHUNKED + b"0\r\n", b"X: y\r\n"),
    "100 Continue that drips": _drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "flood of headers": _flood(OK, b"X: y\r\n"),
    "header without end": _flood(OK + b"X: ", b"y"),
    "flood of chunk extensions": _flood(CHUNKED + b"1;", b"x=y;"),
    "flood of chunks": _flood(CHUNKED, b"1\r\n \r\n"),
    "flood of trailers": _flood(CHUNKED + b"0\r\n", b"X: y\r\n"),
    "flood of 100 Continue": _flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "gzip bomb": _bytes(lambda body: _sized(gzip.compress(bytes(2**24)), b"Content-Encoding: gzip")),
    "gzip within gzip": _bytes(
        lambda body: _sized(gzip.compress(gzip.compress(body)), b"Content-Encoding: gzip, gzip")
    ),
    "gzip cut short": _bytes(lambda body: _sized(gzip.compress(body)[:-9], b"Content-Encoding: gzip")),
    "gzip that is not": _bytes(lambda body: _sized(body, b"Content-Encoding: gzip")),
    "encoding not asked for": _bytes(lambda body: _sized(body, b"Content-Encoding: br")),
    "not HTTP": _bytes(lambda body: b"SSH-2.0-OpenSSH_9.6\r\n"),
    "two lengths": _bytes(lambda body: _sized(body, b"Content-Length: 1")),
    "length that is not a number": _bytes(lambda body: OK + b"Content-Length: 1_0\r\n\r\n" + body),
    "chunk size that is not a number": _bytes(lambda body: _chunks(body, b"0x%x")),
    "chunk size beyond all bounds": _bytes(lambda body: _chunks(body, b"f" * 19 + b"%x")),
    "chunk longer than it says": _bytes(lambda body: _chunks(body).replace(b"\r\n5\r\n", b"\r\n4\r\n")),
    "in gzip": _bytes(lambda body: _sized(gzip.compress(body), b"Content-Encoding: gzip")),
    "in chunks": _bytes(_chunks),
    "after 103 Early Hints": _bytes(lambda body: b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + _sized(body)),
    "header without a colon": _bytes(lambda body: _sized(body, b"no colon in here")),
    "HTTP/1.0 without a length": _bytes(lambda body: b"HTTP/1.0 200 OK\r\n\r\n" + body),
    "closed in spite of keep-alive": _bytes(lambda body: _sized(body, b"Connection: keep-alive")),
    "another reply after it": _bytes(lambda body: _sized(body, b"Connection: keep-alive") + OTHER),
    "504 and then a reply": _bytes(lambda body: b"HTTP/1.1 504 Gateway Timeout\r\n\r\n" + OTHER),
    "404 and then a reply": _bytes(lambda body: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" + OTHER),
}

CASES: Mapping[str, Case] = {
    "HTTP_PROXY in the environment": Case(environment={"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}),
    "name not resolved": Case(way=_no_names),
    "connection refused": Case(way=_nobody_listens),
    "connection reset": Case(faults.reset()),
    "reset mid-body": Case(faults.reset_mid_body()),
    "closed mid-body": Case(faults.truncated()),
    "no answer": Case(faults.hang(60), timeout=0.5),
    "slow body that ends in time": Case(faults.slow_body(0.1)),
    "slow body that never ends": Case(faults.endless(0.02), timeout=0.5),
    "fast body that never ends": Case(faults.endless(0)),
    **WIRE,
    "HTTP 307 to another host": Case(faults.redirect("https://elsewhere.invalid/")),
    **{f"HTTP {status}": Case(faults.http(status)) for status in (400, 401, 403, 404, 412, 416)},
    **{f"HTTP {status}": Case(faults.http(status)) for status in (429, 500, 502, 503, 504)},
    "HTML": Case(faults.not_json()),
    "empty body": _text(""),
    "JSON cut short": _text('{"list": [{"ref_date": "2026'),
    "JSON with NaN": _text('{"list": NaN}'),
    "JSON nested too deep": _text("[" * 100_000),
    "JSON with a name twice": _text('{"errcode": 0, "errcode": 0}'),
    "JSON array": Case(faults.wrong_shape([])),
    "JSON of the wrong shape": Case(faults.wrong_shape({"list": {}, "access_token": 7})),
    "errcode that is not a number": Case(faults.wrong_shape({"errcode": None})),
    "wrong content type": Case(faults.wrong_content_type()),
    "wrong ref_date": Case(faults.wrong_ref_date()),
    "duplicated rows": Case(faults.duplicated_rows()),
    "empty list": Case(faults.empty()),
    **{f"errcode {code}": Case(faults.errcode(code)) for code in (*sorted(ERRCODES), UNKNOWN_CODE)},
}


class Outcome(NamedTuple):
    """What a fetch came to.

    :param result: ``rows``, ``rows, each twice``, ``no rows`` or the error's class.
    :param error: the error.
    :param requests: how many token calls and data calls were made.
    """

    result: str
    error: WeAnalysisError | None
    requests: tuple[int, int]

    def __str__(self) -> str:
        sent = "{} + {}".format(*self.requests)
        if self.error is None:
            return f"{self.result}; {sent}"
        return f"{self.result}, {'Airflow retries' if self.error.retryable else 'final'}; {sent}"


def _kind(url: str) -> str:
    return "token" if "token" in url else "data"


class Laboratory:
    """A server, an app, and a fetch that goes well unless told otherwise.

    :ivar leaks: what is found of secrets in log records, of all loggers at DEBUG, and in errors.
    """

    def __init__(self) -> None:
        self.server = WeChatServer(port=free_port(), published_at=dt.time(0))
        self.leaks = Leaks()

    def __enter__(self) -> Laboratory:
        self.server.start()
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self.leaks)
        root.setLevel(logging.DEBUG)
        self.day = DAY.latest((self.server.now - dt.timedelta(days=1)).date())
        self.rows = self._fetch(lambda hook: None, Case())
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger().removeHandler(self.leaks)
        logging.getLogger().setLevel(self._level)
        self.server.stop()

    def outcomes(self, case: Case) -> list[Outcome | None]:
        """What comes of a fault, as the page's columns have it; ``None`` where it cannot happen."""
        return [
            self.outcome(case, call, lasting=lasting) if call in case.calls else None
            for call in CALLS
            for lasting in (False, True)
        ]

    def outcome(self, case: Case, call: str, *, lasting: bool) -> Outcome:
        """Fetch a day while ``case`` happens at ``call``, once or forever."""
        made = {"token": 0, "data": 0}
        before = len(self.server.calls)
        self.server.faults.clear()
        if case.fault:
            where = "token" if call == "token" else ENDPOINT
            self.server.faults.add(case.fault, endpoint=where, times=None if lasting else 1)

        def watch(hook: WeAnalysisHook) -> None:
            channel = hook.client.channel
            exchange, reach = channel.exchange, channel.reach

            def struck(kind: str, action: Callable[[], Any]) -> Any:
                if case.way is None or kind != call or not (lasting or made[kind] == 1):
                    return action()
                channel.hang_up()  # or it would talk on over the connection that it has
                with case.way(self.server):
                    return action()

            def counted_exchange(request: Outgoing) -> Any:
                made[_kind(request.url)] += 1
                return struck(_kind(request.url), lambda: exchange(request))

            def counted_reach(url: str) -> None:
                kind = _kind(url)
                made[kind] += 1
                struck(kind, lambda: reach(url))
                made[kind] -= 1  # it is the exchange that counts, if there is one

            channel.exchange = counted_exchange  # type: ignore[method-assign]
            channel.reach = counted_reach  # type: ignore[method-assign]

        failure: WeAnalysisError | None = None
        try:
            rows = self._fetch(watch, case)
        except WeAnalysisError as error:
            result, failure = type(error).__name__, error
            self.leaks.look("error", shown(error) + "".join(traceback.format_exception(error)))
        else:
            named = {"rows": self.rows, "rows, each twice": self.rows * 2, "no rows": []}
            (result,) = [name for name, expected in named.items() if rows == expected]
        requests = made["token"], made["data"]
        if case.fault:
            assert len(self.server.calls) - before == sum(requests), "the server saw what was sent, and nothing else"
        return Outcome(result, failure, requests)

    def _fetch(self, watch: Callable[[WeAnalysisHook], None], case: Case) -> list[dict[str, Any]]:
        connection = json.dumps(self.server.connection(APP, timeout=case.timeout))
        hook = WeAnalysisHook("faults")
        with (
            mock.patch.dict(os.environ, case.environment, AIRFLOW_CONN_FAULTS=connection),
            mock.patch.object(Stop, "wait"),
            mock.patch.object(wire, "PATIENCE", case.patience),
            mock.patch.object(wire, "MAX_REPLY_BYTES", 2**20),
            hook,
        ):
            watch(hook)
            return hook.fetch(ENDPOINT, self.day)
