"""Access tokens: five places they can come from, and one cache that asks again when one is old or refused.

``stable`` is the default because any number of processes may ask: WeChat gives all of them the same token until it is
nearly over. It is never forced to give a new one, which would end the token of the company's own backend.

.. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_wxanalysis.exceptions import PayloadError

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.wechat.settings import Settings

log = logging.getLogger(__name__)

#: WeChat keeps the former token alive for five minutes, so a token this close to its end is not worth keeping.
_MARGIN = 300.0


class Call(Protocol):
    """A call to a token endpoint: URL or path, and what ``Channel.exchange`` takes; returns the parsed reply."""

    def __call__(self, url: str, **request: Any) -> dict[str, Any]:
        """Make the call."""


def _stable(settings: Settings, call: Call) -> dict[str, Any]:
    body = {
        "grant_type": "client_credential",
        "appid": settings.appid,
        "secret": settings.secret,
        "force_refresh": False,
    }
    return call("/cgi-bin/stable_token", body=json.dumps(body).encode())


def _legacy(settings: Settings, call: Call) -> dict[str, Any]:
    log.warning(
        "App %s: auth=legacy asks /cgi-bin/token, which ends the token of every other system within five minutes. "
        "Use auth=stable if nothing forbids it.",
        settings.appid,
    )
    query = {"grant_type": "client_credential", "appid": settings.appid, "secret": settings.secret}
    return call("/cgi-bin/token", query=query)


def _static(settings: Settings, call: Call) -> dict[str, Any]:
    return {"access_token": settings.access_token}


def _central(settings: Settings, call: Call) -> dict[str, Any]:
    authorization = settings.central_authorization
    return call(settings.central_url or "", headers={"Authorization": authorization} if authorization else None)


def _authorizer(settings: Settings, call: Call) -> dict[str, Any]:
    body = {
        "component_appid": settings.component_appid,
        "authorizer_appid": settings.appid,
        "authorizer_refresh_token": settings.authorizer_refresh_token,
    }
    query = {"component_access_token": settings.component_access_token}
    reply = call("/cgi-bin/component/api_authorizer_token", query=query, body=json.dumps(body).encode())
    return {"access_token": reply.get("authorizer_access_token"), "expires_in": reply.get("expires_in")}


SOURCES: Mapping[str, Callable[[Settings, Call], dict[str, Any]]] = {
    "stable": _stable,
    "legacy": _legacy,
    "static": _static,
    "central": _central,
    "authorizer": _authorizer,
}


class Tokens:
    """The current token of one app, for all threads of a task.

    :param settings: the app's connection.
    :param call: how to reach a token endpoint.
    :param on_new: told of every new token before it is used, so that logs can mask it.
    """

    def __init__(self, settings: Settings, call: Call, on_new: Callable[[str], None]) -> None:
        self._settings = settings
        self._call = call
        self._on_new = on_new
        self._lock = threading.Lock()
        self._token: str | None = None
        self._keep_until = 0.0
        self._ends_at = 0.0

    @property
    def renewable(self) -> bool:
        """Whether asking again can give another token."""
        return self._settings.auth != "static"

    def get(self) -> str:
        """Return a token, asking for one if there is none or it is nearly over.

        :raises PayloadError: if the token endpoint's reply holds no usable token.
        """
        with self._lock:
            if self._token is None or time.monotonic() >= self._keep_until:
                self._token, lifetime = self._fetch()
                self._ends_at = time.monotonic() + lifetime
                self._keep_until = self._ends_at - min(_MARGIN, lifetime / 2)
            return self._token

    def discard(self, token: str) -> None:
        """Forget ``token`` because it was refused, unless another thread has replaced it already."""
        with self._lock:
            if self._token == token:
                self._token = None

    def describe(self) -> str:
        """Return for how long the current token is good, in words."""
        if self._ends_at == float("inf"):
            return "token of unknown life"
        return f"token good for {max(0.0, self._ends_at - time.monotonic()) / 60:.0f} min"

    def _fetch(self) -> tuple[str, float]:
        reply = SOURCES[self._settings.auth](self._settings, self._call)
        token, lifetime = reply.get("access_token"), reply.get("expires_in", float("inf"))
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token or not token:
            raise PayloadError(self._unusable("access_token"))
        self._on_new(token)
        if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)) or not lifetime > 0:
            raise PayloadError(self._unusable("expires_in"))
        return token, lifetime

    def _unusable(self, field: str) -> str:
        return (
            f"The token endpoint (auth={self._settings.auth}) sent no usable {field} for app {self._settings.appid}. "
            "Check that the connection's host or central_url is the right one, and look for a proxy that answers in "
            "its place."
        )
