"""The ASGI application that serves the page's files."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from airflow_provider_wxanalysis.ui import files

STATIC = Path(files.__file__).with_name("static")


def ask(path, method="GET", headers=(), kind="http"):
    """Ask as uvicorn does, and return status, headers and body."""
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "method": method, "path": path, "root_path": "/weanalysis", "headers": list(headers)}
    asyncio.run(files.serve(scope, receive, send))
    if not sent:
        return None
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("page.js", "text/javascript; charset=utf-8"),
        ("snapshot.js", "text/javascript; charset=utf-8"),
        ("words.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
@pytest.mark.parametrize("prefix", ["/weanalysis", "/behind/a/proxy/weanalysis", ""])
def test_the_files_of_the_page(name, kind, prefix):
    status, headers, body = ask(f"{prefix}/{name}")
    content = (STATIC / name).read_bytes()
    assert (status, body) == (200, content)
    assert headers[b"content-type"] == kind.encode()
    assert headers[b"content-length"] == str(len(content)).encode()
    assert headers[b"cache-control"] == b"no-cache"
    assert headers[b"x-content-type-options"] == b"nosniff"


def test_every_file_of_the_folder_is_served():
    assert {path.name for path in STATIC.iterdir()} == set(files._TYPES)


def test_a_copy_that_is_current_is_not_sent_again():
    _, headers, _ = ask("/weanalysis/page.js")
    status, again, body = ask("/weanalysis/page.js", headers=[(b"if-none-match", headers[b"etag"])])
    assert (status, body) == (304, b"")
    assert again[b"etag"] == headers[b"etag"]
    assert b"content-length" not in again
    assert ask("/weanalysis/page.js", headers=[(b"if-none-match", b'"older"')])[0] == 200


def test_head():
    status, headers, body = ask("/weanalysis/page.js", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers[b"content-length"]) == (STATIC / "page.js").stat().st_size


@pytest.mark.parametrize(
    "path",
    ["/weanalysis", "/weanalysis/", "/weanalysis/plugin.py", "/weanalysis/../files.py", "/weanalysis/page.js/", "/x"],
)
def test_nothing_else(path):
    status, headers, body = ask(path)
    assert (status, body) == (404, b"")
    assert headers[b"content-length"] == b"0"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_reading(method):
    assert ask("/weanalysis/page.js", method)[:2] == (405, {b"allow": b"GET, HEAD", b"content-length": b"0"})


def test_other_protocols_are_let_be():
    assert ask("/weanalysis/page.js", kind="websocket") is None


def test_the_modules_are_written_by_hand_and_short():
    modules = {path.name: path.read_text().splitlines() for path in STATIC.glob("*.js")}
    assert all(len(lines) < 300 for lines in modules.values())
    assert all(len(line) <= 120 for lines in modules.values() for line in lines)


def test_the_page_asks_nobody_else_and_writes_no_markup():
    for path in STATIC.glob("*.js"):
        text = path.read_text()
        assert not re.search(r"https?://(?!www\.w3\.org)", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", text), path.name
    assert not re.search(r"url\(|@import", (STATIC / "page.css").read_text())
