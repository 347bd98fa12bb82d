"""The Test button's question: is there a token, and what is left of the quota? Answered within seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import TransportError
from airflow_provider_wxanalysis.wechat.client import Client

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.wechat.settings import Settings

QUOTA_PATH = "/cgi-bin/openapi/quota/get"
#: Seconds for each of the two calls, if the connection allows more; a person waits, and so does the API server.
TIMEOUT = 8.0
#: Seconds for everything: a name lookup, or a reply that trickles in, has no time-out of its own.
PATIENCE = 20.0


def probe(settings: Settings, on_new_token: Callable[[str], None]) -> str:
    """Ask WeChat once, without retries, and return a sentence for the user.

    :param settings: the app's connection.
    :param on_new_token: is called with the token before it is used.
    :raises WeAnalysisError: if there is no token, no quota or no answer in time.
    """
    future: Future[str] = Future()

    def run() -> None:
        try:
            future.set_result(_ask(settings, on_new_token))
        except Exception as error:
            future.set_exception(error)

    # A daemon: when time is up it is abandoned, and must not keep the process from ending.
    threading.Thread(target=run, name="weanalysis-probe", daemon=True).start()
    try:
        return future.result(PATIENCE)
    except TimeoutError:
        message = f"{settings.base_url}: no full answer within {PATIENCE:g} s. Look for a slow proxy, network or DNS."
    raise TransportError(message)


def _ask(settings: Settings, on_new_token: Callable[[str], None]) -> str:
    settings = replace(settings, timeout=min(settings.timeout, TIMEOUT))
    endpoint = ENDPOINTS["daily_summary"]
    with Client(settings, on_new_token, attempts=1) as client:
        reply = client.post(QUOTA_PATH, {"cgi_path": endpoint.path}, endpoint=QUOTA_PATH)
    source = f"auth={settings.auth}, {client.tokens.describe()}"
    return f"Connected as {settings.appid} ({source}). {_left(endpoint.name, reply.get('quota'))}"


def _left(name: str, quota: Any) -> str:
    if isinstance(quota, dict):
        remain, limit = quota.get("remain"), quota.get("daily_limit")
        if isinstance(remain, int) and isinstance(limit, int):
            return f"Calls left today for {name}: {remain:,} of {limit:,}."
    return f"WeChat did not say how many calls are left today for {name}."
