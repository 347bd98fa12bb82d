"""Apps and their secrets, and how often each may call."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_wxanalysis.testing.answers import refuse
from airflow_provider_wxanalysis.testing.canary import CANARY

_APPID = re.compile(r"wx[0-9a-z]{16}", re.ASCII)


class Apps:
    """The apps that WeChat knows.

    :param secrets: AppID -> AppSecret; or how many apps to make up; or ``None`` for any app whose id looks right, with
        any secret.
    """

    def __init__(self, secrets: Mapping[str, str] | int | None) -> None:
        if isinstance(secrets, int):
            secrets = {appid: _secret(appid) for appid in (f"wx{number:016x}" for number in range(secrets))}
        self._open = secrets is None
        self._secrets = dict(secrets or {})

    @property
    def ids(self) -> list[str]:
        """The apps there are; none where any that looks right is known."""
        return [] if self._open else list(self._secrets)

    def known(self, appid: object) -> bool:
        """Whether there is such an app."""
        return appid in self._secrets or (self._open and isinstance(appid, str) and bool(_APPID.fullmatch(appid)))

    def secret(self, appid: str) -> str:
        """Return an AppSecret that works.

        :raises ValueError: if there is no such app.
        """
        if not self.known(appid):
            raise ValueError(f"This server does not know the app {appid!r}.")
        return self._secrets.get(appid, _secret(appid))

    def reset_secret(self, appid: str, secret: str) -> None:
        """Take only this AppSecret from now on, as after a reset in WeChat's console."""
        self._secrets[appid] = secret

    def log_in(self, given: Mapping[str, Any]) -> str:
        """Return the AppID of a token request.

        :raises RefusedError: if AppID or AppSecret is missing or wrong.
        """
        appid, secret = given.get("appid"), given.get("secret")
        if not appid:
            raise refuse(41002)
        if not isinstance(appid, str) or not self.known(appid):
            raise refuse(40013)
        if not secret:
            raise refuse(41004)
        if secret != self._secrets.get(appid, secret):
            raise refuse(40125)
        return appid


def _secret(appid: str) -> str:
    return f"{CANARY}-secret-of-{appid}"


class Quotas:
    """Counts calls per path and app: by the day, which ends at midnight in Beijing, and by the minute.

    :param clock: returns the time in Beijing.
    :param per_day: calls a day.
    :param per_minute: calls a minute; ``None`` for no limit.
    """

    def __init__(self, clock: Callable[[], dt.datetime], per_day: int, per_minute: int | None) -> None:
        self.per_day = per_day
        self.per_minute = per_minute
        self._clock = clock
        self._days: dict[tuple[str, str], tuple[object, int]] = {}
        self._minutes: dict[tuple[str, str], tuple[object, int]] = {}
        self._lock = threading.Lock()

    def spend(self, path: str, appid: str) -> None:
        """Count a call.

        :raises RefusedError: if there is none left.
        """
        now, key = self._clock(), (path, appid)
        day, minute = now.date(), now.replace(second=0, microsecond=0)
        with self._lock:
            today, lately = _used(self._days, key, day), _used(self._minutes, key, minute)
            if today >= self.per_day:
                raise refuse(45009)
            if self.per_minute is not None and lately >= self.per_minute:
                raise refuse(45011)
            self._days[key], self._minutes[key] = (day, today + 1), (minute, lately + 1)

    def report(self, path: str, appid: str) -> dict[str, Any]:
        """Return the reply of ``/cgi-bin/openapi/quota/get`` for a path."""
        with self._lock:
            used = _used(self._days, (path, appid), self._clock().date())
        rate = {"call_count": self.per_minute or 100_000, "refresh_second": 60}
        return {
            "errcode": 0,
            "errmsg": "ok",
            "quota": {"daily_limit": self.per_day, "used": used, "remain": max(0, self.per_day - used)},
            "rate_limit": rate,
            "component_rate_limit": rate,
        }


def _used(counts: Mapping[tuple[str, str], tuple[object, int]], key: tuple[str, str], period: object) -> int:
    """Return how many calls were counted in the period; what was counted before is over."""
    of, count = counts.get(key, (None, 0))
    return count if of == period else 0
