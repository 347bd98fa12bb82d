"""Keeping secrets out of everything that is printed: logs, messages, tracebacks with their variables."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any, SupportsIndex, TypeVar

E = TypeVar("E", bound=BaseException)

_QUERY = re.compile(r"\?\S*")
#: A shorter text may be an ordinary word of a message; AppSecrets and tokens are long.
_SHORTEST = 8


class Secret(str):
    """A text that tracebacks with variables do not show: its ``repr`` is a stand-in, and so is that of its slices."""

    __slots__ = ()

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        """Return a part, which is a secret as well."""
        return Secret(super().__getitem__(key))

    def __repr__(self) -> str:
        """Return a stand-in."""
        return "'[redacted]'"


def redact(text: str) -> str:
    """Return ``text`` without the query of any URL in it."""
    return _QUERY.sub("?[redacted]", text)


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` without these secrets, which WeChat or a token server may have echoed."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "[redacted]")
    return text


def presentable(error: E, secrets: Iterable[str]) -> E:
    """Strip an error of secrets and of the frames that it came through, so that it may leave the client.

    :param error: the error, changed in place.
    :param secrets: what must not be in it.
    """
    known = tuple(secrets)

    def clean(value: Any) -> Any:
        return hide(value, known) if isinstance(value, str) else value

    error.args = tuple(map(clean, error.args))
    vars(error).update({name: clean(value) for name, value in vars(error).items()})
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


class _RedactQueries(logging.Filter):
    """Removes the query from records of libraries, which show the path and query of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.args:
            record.msg, record.args = redact(record.getMessage()), None
        return True


_FILTER = _RedactQueries()


def redact_urllib3_logs() -> None:
    """Make urllib3 log no query; calling it again changes nothing."""
    for name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
        logging.getLogger(f"urllib3.{name}").addFilter(_FILTER)
