"""What the server remembers: the calls it had, and the good replies it sent."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_wxanalysis.testing.answers import Answer
from airflow_provider_wxanalysis.testing.request import Request

Json = dict[str, Any]
#: Endpoint, AppID, first and last day.
Slice = tuple[str, str, str, str]


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

    :param size: how many calls and how many replies are kept, the latest; ``None`` for all.
    :ivar calls: the latest calls.
    :ivar served: (endpoint, appid, begin_date, end_date) -> the good replies that were sent, the latest last.
    """

    def __init__(self, size: int | None) -> None:
        self.calls: list[Call] = []
        self.served: defaultdict[Slice, list[Json]] = defaultdict(list)
        self._size = size
        self._order: deque[Slice] = deque()
        self._dropped: Counter[tuple[str | None, str | None]] = Counter()
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
                key = question.endpoint, request.appid, question.begin.isoformat(), question.end.isoformat()
                self.served[key].append(answer.reply)
                self._order.append(key)
            self._trim()
        return call

    def _trim(self) -> None:
        if self._size is None:
            return
        if len(self.calls) > self._size + self._size // 8:  # some at once, as moving a list costs its length
            oldest = self.calls[: len(self.calls) - self._size]
            self._dropped.update((call.endpoint, call.appid) for call in oldest)
            del self.calls[: len(oldest)]
        while len(self._order) > self._size:
            key = self._order.popleft()
            if replies := self.served.get(key):
                del replies[0]
            if not replies:
                self.served.pop(key, None)

    def count(self, endpoint: str | None, appid: str | None) -> int:
        """Return how many calls there were of an endpoint (``None``: any) and an app (``None``: any)."""
        with self._lock:
            counts = self._dropped + Counter((call.endpoint, call.appid) for call in self.calls)
        return sum(n for (of, by), n in counts.items() if endpoint in (None, of) and appid in (None, by))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.calls.clear()
            self.served.clear()
            self._order.clear()
            self._dropped.clear()
