"""The endpoints that hand out access tokens: WeChat's own three, and a company's token server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_wxanalysis.testing.accounts import Apps, Quotas
from airflow_provider_wxanalysis.testing.answers import refuse, refuse_http
from airflow_provider_wxanalysis.testing.canary import CANARY
from airflow_provider_wxanalysis.testing.request import Request
from airflow_provider_wxanalysis.testing.tokens import Tokens

CENTRAL_PATH = "/central/token/"
COMPONENT_ACCESS_TOKEN = f"{CANARY}-component-token"

Handler = Callable[[Request], dict[str, Any]]


class TokenCalls:
    """Answers calls that ask for a token.

    :param apps: the apps that exist.
    :param tokens: their tokens.
    :param quotas: how many stable tokens an app may ask for.
    :param central_authorization: returns the Authorization header that the token server demands, or ``None``.
    """

    def __init__(
        self, apps: Apps, tokens: Tokens, quotas: Quotas, central_authorization: Callable[[], str | None]
    ) -> None:
        self._apps = apps
        self._tokens = tokens
        self._quotas = quotas
        self._central_authorization = central_authorization
        self._handlers: Mapping[str, tuple[str, Handler]] = {
            "/cgi-bin/stable_token": ("POST", self._stable),
            "/cgi-bin/token": ("GET", self._legacy),
            "/cgi-bin/component/api_authorizer_token": ("POST", self._authorizer),
            CENTRAL_PATH: ("GET", self._central),
        }

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the reply to a request, and note down in it which app it is for.

        :raises RefusedError: if there is no such path, or the request breaks a rule.
        """
        found = self._handlers.get(CENTRAL_PATH if request.path.startswith(CENTRAL_PATH) else request.path)
        if found is None:
            raise refuse_http(404, "no such path")
        request.endpoint = "token"
        method, handler = found
        if request.method != method:
            raise refuse(43002) if method == "POST" else refuse_http(405, f"{method} only")
        return handler(request)

    def _stable(self, request: Request) -> dict[str, Any]:
        if request.raw is None:
            raise refuse_http(412, "Content-Length is missing")
        if not request.raw.strip():
            raise refuse(44002)
        body = request.body
        if not isinstance(body, dict) or not isinstance(body.get("force_refresh", False), bool):
            raise refuse(47001)
        request.appid = self._log_in(body)
        self._quotas.spend(request.path, request.appid)
        return _token(*self._tokens.stable(request.appid, force=body.get("force_refresh", False)))

    def _legacy(self, request: Request) -> dict[str, Any]:
        request.appid = self._log_in(request.query)
        return _token(*self._tokens.legacy(request.appid))

    def _log_in(self, given: Mapping[str, Any]) -> str:
        if given.get("grant_type") != "client_credential":
            raise refuse(40002)
        return self._apps.log_in(given)

    def _authorizer(self, request: Request) -> dict[str, Any]:
        if request.query.get("component_access_token") != COMPONENT_ACCESS_TOKEN:
            raise refuse(40001)
        if not isinstance(request.body, dict):
            raise refuse(47001)
        appid = request.body.get("authorizer_appid")
        if not isinstance(appid, str) or not self._apps.known(appid) or not request.body.get("component_appid"):
            raise refuse(40013)
        request.appid = appid
        if request.body.get("authorizer_refresh_token") != refresh_token(appid):
            raise refuse(61023)
        token, expires_in = self._tokens.authorizer(appid)
        return {
            "authorizer_access_token": token,
            "expires_in": expires_in,
            "authorizer_refresh_token": refresh_token(appid),
        }

    def _central(self, request: Request) -> dict[str, Any]:
        wanted = self._central_authorization()
        if wanted is not None and request.headers.get("authorization") != wanted:
            raise refuse_http(401, "Authorization is missing or wrong")
        appid = request.path.removeprefix(CENTRAL_PATH)
        if not self._apps.known(appid):
            raise refuse_http(404, "no such app")
        request.appid = appid
        return _token(*self._tokens.stable(appid))


def refresh_token(appid: str) -> str:
    """Return the ``authorizer_refresh_token`` with which a third-party platform gets an app's token."""
    return f"{CANARY}-refresh-{appid}"


def _token(value: str, expires_in: int) -> dict[str, Any]:
    return {"access_token": value, "expires_in": expires_in}
