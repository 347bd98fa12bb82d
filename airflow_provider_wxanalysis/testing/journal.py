"""What the server remembers: every call it had, and every good reply it sent."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_wxanalysis.testing.answers import Answer
from airflow_provider_wxanalysis.testing.api import Request

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call that the server has had.

    :param endpoint: the endpoint's name, ``token``, ``quota`` or ``None`` for a path that does not exist.
    :param path: the path, without the query.
    :param appid: the app it came from, or ``None`` if it did not get that far.
    :param status: HTTP status of the answer; 0 for none.
    :param errcode: WeChat's error code in the answer; 0 for none.
    :param body: the body, if it was JSON.
    :param headers: headers by their names in lower case.
    """

    endpoint: str | None
    path: str
    appid: str | None
    status: int
    errcode: int
    body: Any = field(repr=False)  # may hold an AppSecret, like the headers
    headers: Mapping[str, str] = field(repr=False)


class Journal:
    """Calls and replies, in the order of the answers.

    :ivar calls: every call.
    :ivar served: (endpoint, appid, begin_date, end_date) -> the good replies that were sent, the latest last.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.served: defaultdict[tuple[str, str, str, str], list[Json]] = defaultdict(list)
        self._lock = threading.Lock()

    def record(self, request: Request, answer: Answer) -> Call:
        """Note down a call and, if it was good, the reply as it is sent."""
        status = 0 if answer.reset and not answer.cut else answer.status
        call = Call(
            request.endpoint, request.path, request.appid, status, answer.errcode, request.body, request.headers
        )
        question = request.question
        with self._lock:
            self.calls.append(call)
            if question and request.appid and answer.good and isinstance(answer.reply, dict):
                dates = question.begin.isoformat(), question.end.isoformat()
                self.served[(question.endpoint, request.appid, *dates)].append(answer.reply)
        return call

    def count(self, endpoint: str | None, appid: str | None) -> int:
        """Return how many calls there were of an endpoint (``None``: any) and an app (``None``: any)."""
        with self._lock:
            return sum(endpoint in (None, call.endpoint) and appid in (None, call.appid) for call in self.calls)
