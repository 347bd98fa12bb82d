"""A request as the WeChat API sees it, whatever brought it: a socket or a test in the same process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_wxanalysis.testing.rules import Question


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
    :param sealed: whether it was correctly encrypted and signed.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes | None
    endpoint: str | None = None
    body: Any = None
    appid: str | None = None
    question: Question | None = None
    sealed: bool = False

    @classmethod
    def parse(cls, method: str, target: str, headers: Mapping[str, str], raw: bytes | None) -> Request:
        """Return the request that a client makes.

        :param method: HTTP method.
        :param target: path and query, or a whole URL.
        :param headers: headers by their names in any case.
        :param raw: the body's bytes; ``None`` if the client did not say how long it is.
        :raises ValueError: if ``target`` cannot be read as a URL.
        """
        parts = urlsplit(target)
        return cls(
            method=method,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in headers.items()},
            raw=raw,
            body=parsed(raw),
        )


def parsed(raw: bytes | None) -> Any:
    """Return the JSON value that some bytes hold; ``None`` if they hold none."""
    try:
        return json.loads(raw or b"")
    except (ValueError, RecursionError):
        return None
