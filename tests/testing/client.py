"""A plain client for the WeChat server: no provider code between the tests and the socket."""

from __future__ import annotations

import datetime as dt
from typing import Any

import requests

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing import WeChatServer

BEIJING = dt.timezone(dt.timedelta(hours=8))
#: A Tuesday noon: yesterday is Monday 2 March, the last week and the last month have just ended.
NOW = dt.datetime(2026, 3, 3, 12, tzinfo=BEIJING)
APP = "wx00000000000000a1"
OTHER = "wx00000000000000b2"

#: The latest span of each endpoint at NOW.
SPANS = {
    "daily_summary": ("20260302", "20260302"),
    "daily_visit_trend": ("20260302", "20260302"),
    "weekly_visit_trend": ("20260223", "20260301"),
    "monthly_visit_trend": ("20260201", "20260228"),
    "visit_distribution": ("20260302", "20260302"),
    "daily_retain": ("20260302", "20260302"),
    "weekly_retain": ("20260223", "20260301"),
    "monthly_retain": ("20260201", "20260228"),
    "visit_page": ("20260302", "20260302"),
    "user_portrait": ("20260302", "20260302"),
    "user_portrait_7d": ("20260224", "20260302"),
    "user_portrait_30d": ("20260201", "20260302"),
}


def dates(begin: str, end: str) -> dict[str, str]:
    return {"begin_date": begin, "end_date": end}


def timestamp(day: str, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    clock = dt.time(hour, minute, second, tzinfo=BEIJING)
    return int(dt.datetime.combine(dt.date.fromisoformat(day), clock).timestamp())


def performance(begin: int, end: int, module: Any = "10022", **filters: str) -> dict[str, Any]:
    params = [{"field": field, "value": value} for field, value in filters.items()]
    return {"time": {"begin_timestamp": begin, "end_timestamp": end}, "module": module, "params": params}


class Client:
    """Asks one server, for any app, with stable tokens."""

    def __init__(self, server: WeChatServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.tokens: dict[tuple[str, dt.datetime], str] = {}

    def stable(self, appid: str = APP, **more: Any) -> dict[str, Any]:
        body = {"grant_type": "client_credential", "appid": appid, "secret": self.server.apps.secret(appid), **more}
        return self.session.post(f"{self.server.url}/cgi-bin/stable_token", json=body, timeout=10).json()

    def legacy(self, appid: str = APP, **more: Any) -> dict[str, Any]:
        query = {"grant_type": "client_credential", "appid": appid, "secret": self.server.apps.secret(appid), **more}
        return self.session.get(f"{self.server.url}/cgi-bin/token", params=query, timeout=10).json()

    def token(self, appid: str = APP) -> str:
        key = (appid, self.server.now)  # a test that moves the clock should not have to think of tokens
        if key not in self.tokens:
            self.tokens[key] = self.stable(appid)["access_token"]
        return self.tokens[key]

    def post(self, path: str, token: str | None, **kwargs: Any) -> requests.Response:
        params = {} if token is None else {"access_token": token}
        return self.session.post(self.server.url + path, params=params, **{"timeout": 10, **kwargs})

    def send(self, endpoint: str, body: Any, appid: str = APP, **kwargs: Any) -> requests.Response:
        return self.post(ENDPOINTS[endpoint].path, self.token(appid), json=body, **kwargs)

    def ask(self, endpoint: str, begin: str = "", end: str = "", appid: str = APP) -> dict[str, Any]:
        """Ask for a span; by default for the latest at NOW."""
        first, last = SPANS[endpoint]
        return self.send(endpoint, dates(begin or first, end or begin or last), appid).json()

    def works(self, token: str) -> int:
        """The error code that a call with this token gets; 0 if it works."""
        return (
            self.post(ENDPOINTS["daily_summary"].path, token, json=dates("20260301", "20260301"))
            .json()
            .get("errcode", 0)
        )
