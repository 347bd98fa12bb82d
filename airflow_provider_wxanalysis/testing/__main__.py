"""The server as a program: ``python -m airflow_provider_wxanalysis.testing --port 8070``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.testing.journal import Call
from airflow_provider_wxanalysis.testing.server import WeChatServer

EXAMPLE_APP = "wx0123456789abcdef"

_BARE_FAULTS: Mapping[str, Callable[[], faults.Fault]] = {
    "truncated": faults.truncated,
    "not-json": faults.not_json,
    "hang": faults.hang,
    "slow-body": faults.slow_body,
    "reset": faults.reset,
    "reset-mid-body": faults.reset_mid_body,
    "endless": faults.endless,
    "empty": faults.empty,
    "wrong-shape": lambda: faults.wrong_shape([]),
    "wrong-ref-date": faults.wrong_ref_date,
    "duplicated-rows": faults.duplicated_rows,
    "wrong-content-type": faults.wrong_content_type,
    "unsigned": faults.unsigned,
    "tampered": faults.tampered,
    "replayed": faults.replayed,
    "stale": faults.stale,
}
_NUMBERED_FAULTS: Mapping[str, Callable[[int], faults.Fault]] = {
    "http-": faults.http,
    "hang-": faults.hang,
    "slow-body-": faults.slow_body,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until SIGTERM or Ctrl-C."""
    given = _parser().parse_args(arguments)
    server = WeChatServer(
        dict(given.app) or given.apps,
        given.host,
        given.port,
        now=given.now,
        published_at=given.published_at,
        not_ready=given.not_ready,
        token_lifetime=given.token_lifetime,
        daily_quota=given.daily_quota,
        requests_per_minute=given.requests_per_minute,
        latency=given.latency,
        launched=dict(given.launched),
        pages=given.pages,
        api_security=given.api_security,
        journal_size=0,  # no one can look into this process
        on_call=_log,
    )
    for endpoint, fault, times in given.fault:
        server.faults.add(fault, endpoint=endpoint, times=times)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    try:
        server.start()
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {given.host}:{given.port}: {error.strerror or error}\n")
        return 1
    try:
        # One connection serves many apps, by appids=.
        _announce(server, None if given.apps else [*server.appids, EXAMPLE_APP][0])
        if given.port_file:
            _write_port(given.port_file, server.port)
        done.wait()
    finally:
        server.stop()
    return 0


def parse_fault(text: str) -> tuple[str | None, faults.Fault, int | None]:
    """Read ``ENDPOINT:WHAT[:TIMES]``, such as ``daily_summary:61503:2``, ``token:http-500`` or ``*:truncated:1``."""
    endpoint, _, rest = text.partition(":")
    what, _, times = rest.partition(":")
    try:
        name = None if endpoint == "*" else endpoint
        faults.check_endpoint(name)
        return name, _fault(what), int(times) if times else None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be ENDPOINT:WHAT[:TIMES], got {text!r}: {error}") from None


def _fault(what: str) -> faults.Fault:
    if what in _BARE_FAULTS:
        return _BARE_FAULTS[what]()
    for prefix, make in _NUMBERED_FAULTS.items():
        if what.startswith(prefix):
            return make(int(what.removeprefix(prefix)))
    if not what.removeprefix("-").isdecimal():
        raise ValueError(f"WHAT must be an error code, http-STATUS, hang-SECONDS or one of {', '.join(_BARE_FAULTS)}")
    return faults.errcode(int(what))


def _app(text: str) -> tuple[str, str]:
    appid, _, secret = text.partition(":")
    if not appid or not secret:
        raise argparse.ArgumentTypeError("write AppID:AppSecret")
    return appid, secret


def _launch(text: str) -> tuple[str, dt.date]:
    appid, found, day = text.partition(":")
    if not appid or not found:
        raise argparse.ArgumentTypeError(f"must be AppID:YYYY-MM-DD, got {text!r}")
    try:
        return appid, dt.date.fromisoformat(day)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be AppID:YYYY-MM-DD, got {text!r}: {error}") from None


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone; write 2026-03-01T12:00:00+08:00")
    return moment


def _announce(server: WeChatServer, appid: str | None) -> None:
    connection = json.dumps(server.connection(appid))
    print(f"WeChat API at {server.url}, until SIGTERM or Ctrl-C.", flush=True)
    print(f"export AIRFLOW_CONN_WEANALYSIS_DEFAULT={shlex.quote(connection)}", flush=True)


def _write_port(path: Path, port: int) -> None:
    # Renamed into place, so that a reader never finds half of it.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(f"{port}\n")
    draft.replace(path)


def _log(method: str, call: Call) -> None:
    print(f"{method} {call.path} {call.appid or '-'} {call.status} {call.errcode}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_wxanalysis.testing",
        description="A WeChat API on this machine: believable figures for any app and date, WeChat's rules enforced.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)")
    add("--port", type=int, default=8070, help="port to listen on; 0 picks a free one (default: %(default)s)")
    add("--port-file", type=Path, metavar="PATH", help="write the port to this file once it listens")
    add("--app", type=_app, action="append", default=[], metavar="ID:SECRET", help="accept this app (repeat for more)")
    add("--apps", type=int, metavar="N", help="accept N made-up apps; the printed connection serves all, see appids=")
    add(
        "--launched",
        type=_launch,
        action="append",
        default=[],
        metavar="ID:DATE",
        help="first day with figures of an app (repeat for more)",
    )
    add("--now", type=_moment, metavar="TIME", help="stop the clock, e.g. at 2026-03-01T12:00:00+08:00")
    add(
        "--published-at",
        type=dt.time.fromisoformat,
        default=dt.time(8),
        metavar="HH:MM",
        help="Beijing time at which figures appear on the next day (default: 08:00)",
    )
    add("--not-ready", choices=("error", "empty"), default="error", help="what comes before that (default: error)")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="how long every answer takes")
    add("--daily-quota", type=int, default=100_000, metavar="N", help="calls a day per path and app")
    add("--requests-per-minute", type=int, metavar="N", help="calls a minute per path and app (default: no limit)")
    add("--token-lifetime", type=float, default=7200, metavar="SECONDS", help="life of a token (default: %(default)s)")
    add("--pages", type=int, metavar="N", help="pages that every app has (default: 20 to 260, by AppID)")
    add(
        "--api-security",
        action="store_true",
        help="demand encrypted and signed calls, with keys made for this run; the printed connection holds them",
    )
    add(
        "--fault",
        type=parse_fault,
        action="append",
        default=[],
        metavar="ENDPOINT:WHAT[:TIMES]",
        help="misbehave; ENDPOINT is a name of the catalogue, token or * (every data call); WHAT is an error code, "
        f"http-STATUS, hang-SECONDS, slow-body-SECONDS or one of {', '.join(_BARE_FAULTS)}; every time without TIMES",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
