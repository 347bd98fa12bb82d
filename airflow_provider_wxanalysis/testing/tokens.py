"""Access tokens as WeChat keeps them: families that do not disturb one another, renewal and expiry."""

from __future__ import annotations

import datetime as dt
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from airflow_provider_wxanalysis.testing.answers import refuse
from airflow_provider_wxanalysis.testing.canary import CANARY

FORCED_PER_DAY = 20
FORCED_APART = dt.timedelta(seconds=30)
_GRACE = dt.timedelta(minutes=5)
_SHORTEST = 32


@dataclass
class _Token:
    value: str = field(repr=False)
    appid: str
    dies_at: dt.datetime
    replaced: bool = False


class Tokens:
    """Every token of every app.

    :param clock: returns the time in Beijing.
    :param lifetime: seconds that a token lives.
    """

    def __init__(self, clock: Callable[[], dt.datetime], lifetime: float) -> None:
        self.issued: list[str] = []
        self._clock = clock
        self._lifetime = dt.timedelta(seconds=lifetime)
        self._grace = min(_GRACE, self._lifetime / 4)
        self._tokens: dict[str, _Token] = {}
        self._current: dict[tuple[str, str], _Token] = {}
        self._forced: defaultdict[str, list[dt.datetime]] = defaultdict(list)
        self._lock = threading.Lock()

    def stable(self, appid: str, *, force: bool = False) -> tuple[str, int]:
        """Return the app's stable token and how many seconds it has left.

        The same token comes until its last five minutes; then a new one comes and both are valid. ``force`` ends the
        former at once, unless it was forced less than 30 seconds ago: then nothing happens.
        """
        with self._lock:
            now = self._clock()
            current = self._current.get(("stable", appid))
            if force and self._may_force(appid, now):
                if current:
                    self._replace(current, now)
                current = None
            if current is None or current.replaced or now >= current.dies_at - self._grace:
                current = self._issue("stable", appid, now)
            return current.value, int((current.dies_at - now).total_seconds())

    def legacy(self, appid: str) -> tuple[str, int]:
        """Return a new token of the legacy kind; the former one dies within five minutes."""
        with self._lock:
            now = self._clock()
            if former := self._current.get(("legacy", appid)):
                self._replace(former, now + self._grace)
            return self._issue("legacy", appid, now).value, int(self._lifetime.total_seconds())

    def authorizer(self, appid: str) -> tuple[str, int]:
        """Return a new token for a third-party platform that acts for the app."""
        with self._lock:
            return self._issue("authorizer", appid, self._clock()).value, int(self._lifetime.total_seconds())

    def owner(self, value: str | None) -> str:
        """Return the app that a living token belongs to.

        :raises RefusedError: if the token is missing, malformed, unknown, replaced or expired.
        """
        if value is None:
            raise refuse(41001)
        if len(value) < _SHORTEST or not value.isascii() or not value.isprintable():
            raise refuse(40014)
        with self._lock:
            token = self._tokens.get(value)
            if token is None:
                raise refuse(40001)
            if self._clock() >= token.dies_at:
                raise refuse(40001 if token.replaced else 42001)
            return token.appid

    def expire(self, appid: str) -> None:
        """End every token of an app, as if its time were over."""
        with self._lock:
            now = self._clock()
            for token in self._tokens.values():
                if token.appid == appid:
                    token.dies_at = min(token.dies_at, now)

    def _issue(self, family: str, appid: str, now: dt.datetime) -> _Token:
        # WeChat's tokens begin with a short number and are long: clients must leave room for 512 characters.
        token = _Token(
            f"{secrets.randbelow(90) + 10}_{CANARY}_{secrets.token_urlsafe(120)}", appid, now + self._lifetime
        )
        self.issued.append(token.value)
        self._tokens[token.value] = self._current[family, appid] = token
        return token

    def _replace(self, token: _Token, dies_at: dt.datetime) -> None:
        if dies_at < token.dies_at:
            token.dies_at, token.replaced = dies_at, True

    def _may_force(self, appid: str, now: dt.datetime) -> bool:
        today = [moment for moment in self._forced[appid] if moment.date() == now.date()]
        if len(today) >= FORCED_PER_DAY:
            raise refuse(45009)
        if self._forced[appid] and now - self._forced[appid][-1] < FORCED_APART:
            return False
        self._forced[appid] = [*today, now]
        return True
