"""WeChat's replies from memory, so that the server takes as little as can be of the machine that is measured.

Each is made once, by :class:`~airflow_provider_wxanalysis.testing.WeChat`'s own rules, and kept as bytes.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.testing import Request, WeChat
from airflow_provider_wxanalysis.testing.token_calls import CENTRAL_PATH
from tests.support.servers import local_bigquery

NOW = dt.datetime(2026, 11, 1, 12, tzinfo=SHANGHAI)
LAST_DAY = dt.date(2026, 10, 31)
APPS = ("wx00000000000000a1", "wx00000000000000b2", "wx00000000000000c3")
PAGES = 200  # as many as WeChat lists

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def calls(entry: Endpoint, days: int) -> dict[str, Any]:
    """Return what to fetch of an endpoint: its periods that end within so many days, and the requests they take.

    This package is given periods, other programs the bodies of requests.

    :param entry: the catalogue's entry.
    :param days: how many, up to :data:`LAST_DAY`.
    """
    ending = (entry.window.ending(LAST_DAY - dt.timedelta(days=back)) for back in range(days))
    periods = [period for period in ending if period]
    return {
        "endpoint": entry.name,
        "path": entry.path,
        "periods": [[str(period.begin_date), str(period.end_date)] for period in periods],
        "bodies": [request.body for period in periods for request in entry.requests(period)],
    }


class Call(NamedTuple):
    """A call that was answered: its path, and when it began and ended, by the clock that all processes share."""

    path: str
    starts_at: float
    ends_at: float


class Replies:
    """Where programs ask, how long each answer takes, and what was asked.

    :param apps: AppIDs that have a token from the start; with :meth:`fleet` every other one gets one when it asks.
    """

    def __init__(self, apps: tuple[str, ...] = APPS) -> None:
        self.latency = 0.0
        self.calls: list[Call] = []
        self.port = 0
        self._made: dict[tuple[bytes, ...], bytes] = {}
        self._rules = WeChat(now=NOW, pages=PAGES, launched=dt.date(2015, 1, 1), daily_quota=10**9, journal_size=0)
        self.tokens = {appid: self._rules.tokens.stable(appid)[0] for appid in apps}

    @property
    def held(self) -> float:
        """For how many seconds calls were kept waiting, all together; a clock is never exact."""
        return sum(call.ends_at - call.starts_at for call in self.calls)

    @property
    def url(self) -> str:
        """The API base."""
        return f"http://127.0.0.1:{self.port}"

    def connection(self, appid: str, **extra: object) -> str:
        """Return an Airflow connection with a token, which spares everybody the call for it."""
        extra = {"auth": "static", "access_token": self.tokens[appid], **extra}
        return json.dumps({"conn_type": "weanalysis", "login": appid, "host": self.url, "extra": extra})

    def stable(self, appid: str) -> str:
        """Return an Airflow connection whose token has to be asked for first, as most have."""
        return json.dumps({"conn_type": "weanalysis", "login": appid, "password": "secret" * 6, "host": self.url})

    def fleet(self, **extra: object) -> str:
        """Return an Airflow connection that serves every AppID, each with a token to be asked for first."""
        extra = {"auth": "central", "central_url": f"{self.url}{CENTRAL_PATH}{{appid}}", **extra}
        return json.dumps({"conn_type": "weanalysis", "host": self.url, "extra": extra})

    def reply(self, method: bytes, target: bytes, body: bytes) -> bytes:
        """Return the whole HTTP response to a request."""
        key = method, target, body
        if key not in self._made:
            self._made[key] = self._make(*key)
        return self._made[key]

    def body(self, endpoint: Endpoint, appid: str, asked: dict[str, Any]) -> bytes:
        """Return the body of the reply to one request's body."""
        target = f"{endpoint.path}?access_token={self.tokens[appid]}"
        return self._make(b"POST", target.encode(), json.dumps(asked).encode()).split(b"\r\n\r\n", 1)[1]

    def _make(self, method: bytes, target: bytes, body: bytes) -> bytes:
        request = Request.parse(method.decode(), target.decode(), {}, body)
        answer = self._rules.answer(request)
        if not answer.good:
            raise ValueError(f"{request.path} {body!r}: {answer.body!r}")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer.body)}\r\n\r\n"
        return head.encode() + answer.body


class _Connection(asyncio.Protocol):
    """Asyncio sets TCP_NODELAY, so that no reply waits for the client's acknowledgement of another."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or len(body) < int(length[1] if length else 0):
            return
        self._received = b""
        method, target, _ = head.split(b" ", 2)
        response = self._replies.reply(method, target, body)
        asyncio.get_running_loop().call_later(
            self._replies.latency, self._answer, target.split(b"?", 1)[0].decode(), response, time.monotonic()
        )

    def _answer(self, path: str, response: bytes, starts_at: float) -> None:
        self._replies.calls.append(Call(path, starts_at, time.monotonic()))
        self._transport.write(response)


@contextmanager
def serving(replies: Replies) -> Iterator[Replies]:
    """Answer on a free port of 127.0.0.1, in a thread, for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: _Connection(replies), "127.0.0.1", 0, backlog=256))
    replies.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="replies", daemon=True)
    thread.start()
    try:
        yield replies
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        server.close()
        loop.close()


@contextmanager
def serving_loads(concurrency: int) -> Iterator[tuple[Replies, dict[str, str]]]:
    """Answer for WeChat and for BigQuery, and yield what a program needs in its environment to reach both.

    There are two connections: the first app's, with its AppID as id, and ``fleet``, which serves every AppID.

    :param concurrency: how many requests each app's connection allows in flight.
    """
    with serving(Replies()) as replies, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        env = {
            f"AIRFLOW_CONN_{APPS[0].upper()}": replies.connection(APPS[0], max_concurrency=concurrency),
            "AIRFLOW_CONN_FLEET": replies.fleet(max_concurrency=concurrency),
            "AIRFLOW_HOME": folder,
        }
        with local_bigquery(Path(folder), "bench") as url:
            yield replies, {**env, "BIGQUERY_EMULATOR_HOST": url}


def bigquery_jobs(env: dict[str, str]) -> int:
    """Return how many jobs BigQuery has had so far: MERGEs, queries, loads."""
    options = {"api_endpoint": env["BIGQUERY_EMULATOR_HOST"]}
    with bigquery.Client("bench", credentials=AnonymousCredentials(), client_options=options) as client:
        return sum(1 for _ in client.list_jobs())
