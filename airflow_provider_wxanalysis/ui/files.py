"""An ASGI application that serves the page's own files and nothing else; they hold no data, so they need no login.

Without a framework, which would cost every process of Airflow seconds.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).with_name("static")
_SCRIPT = b"text/javascript; charset=utf-8"
_TYPES = {
    "page.js": _SCRIPT,
    "snapshot.js": _SCRIPT,
    "words.js": _SCRIPT,
    "page.css": b"text/css; charset=utf-8",
    "icon.svg": b"image/svg+xml",
}

Message = MutableMapping[str, Any]


async def serve(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer one request.

    .. seealso:: https://asgi.readthedocs.io/en/latest/specs/www.html
    """
    if scope["type"] != "http":
        return
    name = scope["path"].rpartition("/")[2]
    status, headers, body = _answer(scope["method"], name, dict(scope["headers"]))
    await send({"type": "http.response.start", "status": status, "headers": [*headers.items()]})
    await send({"type": "http.response.body", "body": body})


def _answer(method: str, name: str, asked: Mapping[bytes, bytes]) -> tuple[int, dict[bytes, bytes], bytes]:
    """Return status, headers and body.

    A browser asks each time whether its copy is still the newest, so that an upgrade shows at once.
    """
    if method not in ("GET", "HEAD"):
        return 405, {b"allow": b"GET, HEAD", b"content-length": b"0"}, b""
    if name not in _TYPES:
        return 404, {b"content-length": b"0"}, b""
    file = _read(name)
    headers = {b"cache-control": b"no-cache", b"etag": file.etag}
    if asked.get(b"if-none-match") == file.etag:
        return 304, headers, b""
    headers |= {
        b"content-type": _TYPES[name],
        b"content-length": str(len(file.content)).encode(),
        b"x-content-type-options": b"nosniff",
    }
    return 200, headers, file.content if method == "GET" else b""


class _File(NamedTuple):
    content: bytes
    etag: bytes


@functools.cache
def _read(name: str) -> _File:
    import hashlib

    content = (_FOLDER / name).read_bytes()
    return _File(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'.encode())
