"""From a request to an answer: which path it speaks to, what it may ask, and what it gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.testing import replies, rules
from airflow_provider_wxanalysis.testing.answers import Answer, Refused, refuse, refuse_http

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.testing.server import WeChatServer

QUOTA_PATH = "/cgi-bin/openapi/quota/get"
CENTRAL_PATH = "/central/token/"


@dataclass
class Request:
    """A request, and what is found out about it on the way.

    :param method: HTTP method.
    :param path: path without the query.
    :param query: parameters of the query; the last one of a name counts.
    :param headers: headers by their names in lower case.
    :param raw: the body's bytes; ``None`` if the client did not say how long it is.
    :param endpoint: name of the endpoint, ``token``, ``quota`` or ``None``.
    :param body: the body, parsed, if it is JSON.
    :param appid: the app that it comes from.
    :param question: the question it asks.
    :param sealed: whether it was encrypted and signed, and rightly so.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes | None
    endpoint: str | None = None
    body: Any = None
    appid: str | None = None
    question: rules.Question | None = None
    sealed: bool = False


def respond(server: WeChatServer, request: Request) -> Answer:
    """Return the answer of a server in good health, and fill in what ``request`` turned out to be."""
    request.body = _parse(request.raw)
    try:
        if request.path in rules.PATHS:
            request.endpoint = rules.name_of(request.path, request.body)
            return Answer(_figures(server, request))
        if request.path == QUOTA_PATH:
            request.endpoint = "quota"
            return Answer(_quota(server, request))
        method, handler = _token_handler(request.path)
        request.endpoint = "token"
        if request.method != method:
            raise refuse(43002) if method == "POST" else refuse_http(405, f"{method} only")
        return Answer(handler(server, request))
    except Refused as refused:
        return refused.answer


def _parse(raw: bytes | None) -> Any:
    try:
        return json.loads(raw or b"")
    except (ValueError, RecursionError):
        return None


def _check_post(server: WeChatServer, request: Request) -> str:
    """Check what all calls with a token have in common, and return whose token it is."""
    if request.method != "POST":
        raise refuse(43002)
    if request.raw is None:
        raise refuse_http(412, "Content-Length is missing")
    request.appid = server.tokens.owner(request.query.get("access_token"))
    server.quotas.spend(request.path, request.appid)
    if not request.raw.strip():
        raise refuse(44002)
    if server.api_security:
        request.body = server.api_security.open(request, server.apps.known)
    if not isinstance(request.body, dict):
        raise refuse(47001)
    return request.appid


def _figures(server: WeChatServer, request: Request) -> Any:
    appid = _check_post(server, request)
    request.endpoint = rules.name_of(request.path, request.body)  # a sealed request tells only now
    question = rules.read(request.endpoint, request.body, server.now.date())
    request.question = question
    last_day = server.clock.last_published_day(server.published_at)
    if question.end > last_day:
        if server.not_ready == "error":
            raise refuse(61503)
        return replies.empty(question)
    reply = replies.reply(question, server.app(appid), last_day)
    return server.overridden(question, appid, reply)


def _quota(server: WeChatServer, request: Request) -> Any:
    appid = _check_post(server, request)
    path = request.body.get("cgi_path")
    if not isinstance(path, str) or path not in (*rules.PATHS, QUOTA_PATH):
        raise refuse(76021)
    return server.quotas.report(path, appid)


def _token_handler(path: str) -> tuple[str, Callable[[WeChatServer, Request], Any]]:
    found = _TOKEN_HANDLERS.get(CENTRAL_PATH if path.startswith(CENTRAL_PATH) else path)
    if found is None:
        raise refuse_http(404, "no such path")
    return found


def _stable_token(server: WeChatServer, request: Request) -> Any:
    if request.raw is None:
        raise refuse_http(412, "Content-Length is missing")
    if not request.raw.strip():
        raise refuse(44002)
    body = request.body
    if not isinstance(body, dict) or not isinstance(body.get("force_refresh", False), bool):
        raise refuse(47001)
    request.appid = _log_in(server, body)
    return _token(*server.tokens.stable(request.appid, force=body.get("force_refresh", False)))


def _legacy_token(server: WeChatServer, request: Request) -> Any:
    request.appid = _log_in(server, request.query)
    return _token(*server.tokens.legacy(request.appid))


def _log_in(server: WeChatServer, given: Mapping[str, Any]) -> str:
    if given.get("grant_type") != "client_credential":
        raise refuse(40002)
    return server.apps.log_in(given)


def _authorizer_token(server: WeChatServer, request: Request) -> Any:
    if request.query.get("component_access_token") != server.component_access_token:
        raise refuse(40001)
    if not isinstance(request.body, dict):
        raise refuse(47001)
    appid = request.body.get("authorizer_appid")
    if not isinstance(appid, str) or not server.apps.known(appid) or not request.body.get("component_appid"):
        raise refuse(40013)
    request.appid = appid
    refresh_token = server.refresh_token(appid)
    if request.body.get("authorizer_refresh_token") != refresh_token:
        raise refuse(61023)
    token, expires_in = server.tokens.authorizer(appid)
    return {
        "authorizer_access_token": token,
        "expires_in": expires_in,
        "authorizer_refresh_token": refresh_token,
    }


def _central_token(server: WeChatServer, request: Request) -> Any:
    wanted = server.central_authorization
    if wanted is not None and request.headers.get("authorization") != wanted:
        raise refuse_http(401, "Authorization is missing or wrong")
    appid = request.path.removeprefix(CENTRAL_PATH)
    if not server.apps.known(appid):
        raise refuse_http(404, "no such app")
    request.appid = appid
    return _token(*server.tokens.stable(appid))


def _token(value: str, expires_in: int) -> dict[str, Any]:
    return {"access_token": value, "expires_in": expires_in}


_TOKEN_HANDLERS: Mapping[str, tuple[str, Callable[[WeChatServer, Request], Any]]] = {
    "/cgi-bin/stable_token": ("POST", _stable_token),
    "/cgi-bin/token": ("GET", _legacy_token),
    "/cgi-bin/component/api_authorizer_token": ("POST", _authorizer_token),
    CENTRAL_PATH: ("GET", _central_token),
}
