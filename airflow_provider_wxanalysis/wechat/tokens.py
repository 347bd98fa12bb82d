"""Access tokens: five places they can come from, and one cache that asks again when one is old or refused.

``stable`` is the default because any number of processes may ask: WeChat gives all of them the same token until it is
about to expire. A new one is never forced, since that would end the token of the company's own backend.

.. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.exceptions import (
    PayloadError,
    TransportError,
    WeAnalysisError,
)
from airflow_provider_wxanalysis.wechat.channel import Outgoing
from airflow_provider_wxanalysis.wechat.flights import Flight
from airflow_provider_wxanalysis.wechat.redaction import Secret

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.wechat.settings import Settings

log = logging.getLogger(__name__)

#: WeChat keeps the former token alive for five minutes, so a token this close to its end is not worth keeping.
_MARGIN = 300.0


#: A call to a token endpoint, by URL or path; returns the parsed reply.
Call = Callable[[Outgoing], dict[str, Any]]


def _stable(settings: Settings, call: Call) -> dict[str, Any]:
    body = {
        "grant_type": "client_credential",
        "appid": settings.appid,
        "secret": settings.secret,
        "force_refresh": False,
    }
    return call(Outgoing("/cgi-bin/stable_token", body=json.dumps(body).encode()))


def _legacy(settings: Settings, call: Call) -> dict[str, Any]:
    log.warning(
        "App %s: auth=legacy asks /cgi-bin/token, which ends the token of every other system within five minutes. "
        "Use auth=stable if nothing forbids it.",
        settings.appid,
    )
    query = {"grant_type": "client_credential", "appid": settings.appid, "secret": settings.secret}
    return call(Outgoing("/cgi-bin/token", query=query))


def _static(settings: Settings, call: Call) -> dict[str, Any]:
    return {"access_token": settings.access_token}


def _central(settings: Settings, call: Call) -> dict[str, Any]:
    authorization = settings.central_authorization
    return call(Outgoing(settings.central_url or "", headers={"Authorization": authorization} if authorization else {}))


def _authorizer(settings: Settings, call: Call) -> dict[str, Any]:
    body = {
        "component_appid": settings.component_appid,
        "authorizer_appid": settings.appid,
        "authorizer_refresh_token": settings.authorizer_refresh_token,
    }
    query = {"component_access_token": settings.component_access_token}
    path = "/cgi-bin/component/api_authorizer_token"
    reply = call(Outgoing(path, query=query, body=json.dumps(body).encode()))
    if reply.get("authorizer_refresh_token", settings.authorizer_refresh_token) != settings.authorizer_refresh_token:
        log.warning(
            "App %s: WeChat has given another authorizer_refresh_token. Put it into the connection: the old one lives "
            "for five more minutes. It is in your platform's own records.",
            settings.appid,
        )
    return {"access_token": reply.get("authorizer_access_token"), "expires_in": reply.get("expires_in")}


SOURCES: Mapping[str, Callable[[Settings, Call], dict[str, Any]]] = {
    "stable": _stable,
    "legacy": _legacy,
    "static": _static,
    "central": _central,
    "authorizer": _authorizer,
}


class Tokens:
    """The current token of one app, for all threads of a task: one asks for it, the others share the result.

    :param settings: the app's connection.
    :param on_new: gets every new token before it is used, so that logs can mask it.
    """

    def __init__(self, settings: Settings, on_new: Callable[[str], None]) -> None:
        self._settings = settings
        self._on_new = on_new
        self._flight: Flight[Secret] = Flight()
        self._token: Secret | None = None
        self._keep_until = 0.0
        self._ends_at = 0.0
        self.known: set[Secret] = set()

    @property
    def renewable(self) -> bool:
        """Whether asking again can give another token."""
        return self._settings.auth != "static"

    def get(self, call: Call, persist: Callable[[Callable[[], Secret]], Secret]) -> Secret:
        """Return a token, asking for one if there is none or it is about to expire.

        :param call: makes a call to a token endpoint.
        :param persist: retries something while a short wait may help.
        :raises WeAnalysisError: if there is none, after all tries; nothing else can be asked then.
        """
        if token := self._current():
            return token
        try:
            return self._flight.join(lambda: self._current() or persist(lambda: self._renew(call)))
        except WeAnalysisError as error:
            error.stops_app = True
            raise

    def discard(self, token: str) -> None:
        """Forget ``token`` because it was refused, unless another thread has replaced it already."""
        if self._token == token:
            self._token = None

    def describe(self) -> str:
        """Return for how long the current token is good, in words."""
        if self._ends_at == float("inf"):
            return "token of unknown life"
        return f"token good for {max(0.0, self._ends_at - time.monotonic()) / 60:.0f} min"

    def _current(self) -> Secret | None:
        return self._token if time.monotonic() < self._keep_until else None

    def _renew(self, call: Call) -> Secret:
        reply = SOURCES[self._settings.auth](self._settings, call)
        token, lifetime = reply.get("access_token"), _seconds(reply.get("expires_in"))
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token or not token:
            raise PayloadError(self._unusable("access_token"))
        self._on_new(str(token))
        if lifetime is None:
            raise PayloadError(self._unusable("expires_in"))
        if lifetime <= 0:
            raise TransportError(
                f"The token server (auth={self._settings.auth}) gave app {self._settings.appid} a token that is over "
                f"(expires_in {lifetime:g}). Look at how it keeps its tokens."
            )
        self._token = secret = Secret(token)
        self.known.add(secret)
        self._ends_at = time.monotonic() + lifetime
        self._keep_until = self._ends_at - min(_MARGIN, lifetime / 2)
        return secret

    def _unusable(self, field: str) -> str:
        return (
            f"The token endpoint (auth={self._settings.auth}) sent no usable {field} for app {self._settings.appid}. "
            "Check that the connection's host or central_url is the right one, and look for a proxy that answers in "
            "its place."
        )


def _seconds(value: Any) -> float | None:
    """Return a lifetime in seconds: infinity if it is not given, ``None`` if it is not a number."""
    if value is None:
        return float("inf")
    if isinstance(value, str) and value.strip().isdecimal():
        return float(value)
    return None if isinstance(value, bool) or not isinstance(value, (int, float)) else float(value)
