"""What the server knows about each app: its figures, where a test has not replaced them."""

from __future__ import annotations

import copy
import datetime as dt
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from airflow_provider_wxanalysis.testing.figures import LAUNCHED, App, app
from airflow_provider_wxanalysis.testing.replies import reply
from airflow_provider_wxanalysis.testing.rules import Question

Json = dict[str, Any]


class History:
    """The figures of all apps.

    :param launched: the first day with figures: one for all apps, or AppID -> day for some.
    :param closed: AppID -> days without visitors, as when the app is closed.
    :param pages: how many pages each app has; ``None`` leaves it to the AppID.
    """

    def __init__(
        self,
        launched: dt.date | Mapping[str, dt.date],
        closed: Mapping[str, Collection[dt.date]],
        pages: int | None,
    ) -> None:
        self._launched = launched
        self._closed = {appid: frozenset(days) for appid, days in closed.items()}
        self._pages = pages
        self._overrides: dict[tuple[str, str, dt.date], Json | Callable[[Json], Json]] = {}
        self._lock = threading.Lock()

    def app(self, appid: str) -> App:
        """Return what the figures of an app are made from."""
        launched = self._launched if isinstance(self._launched, dt.date) else self._launched.get(appid, LAUNCHED)
        return app(appid, launched, self._pages, self._closed.get(appid, frozenset()))

    def override(self, endpoint: str, appid: str, begin: dt.date, reply: Json | Callable[[Json], Json]) -> None:
        """Replace the reply for one period.

        :param endpoint: the endpoint's name.
        :param appid: AppID.
        :param begin: the period's first day.
        :param reply: the new reply, or a function that takes the normal one and returns the new one.
        """
        with self._lock:
            self._overrides[endpoint, appid, begin] = reply

    def reply(self, question: Question, appid: str, last_day: dt.date) -> Json:
        """Return WeChat's reply.

        :param question: what was asked.
        :param appid: the app that it was asked about.
        :param last_day: the last day whose figures are published.
        """
        normal = reply(question, self.app(appid), last_day)
        with self._lock:
            override = self._overrides.get((question.endpoint, appid, question.begin))
        if override is None:
            return normal
        return override(normal) if callable(override) else copy.deepcopy(override)
