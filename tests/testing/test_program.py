"""The command line, as a process of its own."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_wxanalysis.exceptions import PayloadError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY
from airflow_provider_wxanalysis.testing.__main__ import EXAMPLE_APP, parse_fault
from tests.testing.client import BEIJING

PROGRAM = [sys.executable, "-m", "airflow_provider_wxanalysis.testing"]


@contextmanager
def program(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port_file = folder / "port"
    command = [*PROGRAM, "--port", "0", "--port-file", str(port_file), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        end = time.monotonic() + 30
        while not port_file.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        yield process, f"http://127.0.0.1:{int(port_file.read_text())}"
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def connection_of(line: str) -> dict[str, Any]:
    """The connection of an export line, as a shell reads it."""
    command, assignment = shlex.split(line)
    name, _, value = assignment.partition("=")
    assert (command, name) == ("export", "AIRFLOW_CONN_WEANALYSIS_DEFAULT")
    found: dict[str, Any] = json.loads(value)
    return found


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_end(tmp_path: Path, session: requests.Session, ending: signal.Signals) -> None:
    with program(tmp_path, "--now", "2026-03-03T12:00:00+08:00", "--fault", "daily_summary:61503:1") as (process, url):
        assert process.stdout is not None
        assert process.stdout.readline() == f"WeChat API at {url}, until SIGTERM or Ctrl-C.\n"
        connection = connection_of(process.stdout.readline())
        assert (connection["host"], connection["login"]) == (url, EXAMPLE_APP)
        body = {
            "grant_type": "client_credential",
            "appid": connection["login"],
            "secret": connection["password"],
        }
        token = session.post(f"{url}/cgi-bin/stable_token", json=body, timeout=10).json()["access_token"]
        address = f"{url}/datacube/getweanalysisappiddailysummarytrend"
        dates = {"begin_date": "20260302", "end_date": "20260302"}
        replies = [
            session.post(address, params={"access_token": token}, json=dates, timeout=10).json() for _ in range(2)
        ]
        assert replies[0]["errcode"] == 61503
        assert replies[1]["list"][0]["ref_date"] == "20260302"
        process.send_signal(ending)
        log, _ = process.communicate(timeout=10)
        assert process.returncode == 0
    assert log.splitlines() == [
        f"POST /cgi-bin/stable_token {EXAMPLE_APP} 200 0",
        f"POST /datacube/getweanalysisappiddailysummarytrend {EXAMPLE_APP} 200 61503",
        f"POST /datacube/getweanalysisappiddailysummarytrend {EXAMPLE_APP} 200 0",
    ]


def test_api_security_prints_a_connection_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = ("--fault", "daily_summary:stale:1", "--published-at", "00:00")
    with program(tmp_path, "--api-security", *faults) as (process, _):
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setenv("AIRFLOW_CONN_WEANALYSIS_DEFAULT", json.dumps(connection_of(process.stdout.readline())))
        hook = WeAnalysisHook()
        yesterday = DAY.latest((dt.datetime.now(BEIJING) - dt.timedelta(days=1)).date())
        with pytest.raises(PayloadError, match=r"60\d s behind"):
            hook.fetch("daily_summary", yesterday)
        assert hook.fetch("daily_summary", yesterday)
        hook.close()


@pytest.mark.parametrize(
    ("arguments", "login", "password"),
    [
        (["--app", "wx0:it's s3cret:", "--app", "wx1:other"], "wx0", "it's s3cret:"),
        (["--apps", "3"], None, None),
    ],
)
def test_the_printed_connection_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], login: str | None, password: str | None
) -> None:
    with program(tmp_path, "--published-at", "00:00", *arguments) as (process, url):
        assert process.stdout is not None
        process.stdout.readline()
        connection = connection_of(process.stdout.readline())
        assert (connection.get("login"), connection.get("password"), connection["host"]) == (login, password, url)
        reply = requests.get(f"{url}/central/token/wx0000000000000002", timeout=10)
        assert reply.status_code == (404 if login else 200)
        if login:
            monkeypatch.setenv("AIRFLOW_CONN_WEANALYSIS_DEFAULT", json.dumps(connection))
            yesterday = DAY.latest(dt.datetime.now(BEIJING).date() - dt.timedelta(days=1))
            with WeAnalysisHook() as hook:
                assert hook.fetch("daily_summary", yesterday)


def test_switches(tmp_path: Path, session: requests.Session) -> None:
    switches = (
        "--app wx0:s3cret --app wx1:s4cret --now 2026-03-03T12:00:00+08:00 --published-at 13:00 --not-ready empty "
        "--latency 0.001 --daily-quota 3 --requests-per-minute 9 --token-lifetime 60 --pages 7 "
        "--fault token:http-500:1 --launched wx1:2026-03-01"
    )
    with program(tmp_path, *switches.split()) as (process, url):
        assert process.stdout is not None
        process.stdout.readline()
        assert connection_of(process.stdout.readline())["password"] == "s3cret"
        body = {"grant_type": "client_credential", "appid": "wx1", "secret": "s4cret"}
        address = f"{url}/cgi-bin/stable_token"
        assert session.post(address, json=body, timeout=10).status_code == 500
        reply = session.post(address, json=body, timeout=10).json()
        assert reply["expires_in"] == 60
        found = [
            session.post(
                f"{url}/datacube/getweanalysisappidvisitpage",
                params={"access_token": reply["access_token"]},
                json={"begin_date": day, "end_date": day},
                timeout=10,
            ).json()
            for day in ("20260301", "20260302", "20260228", "20260302")
        ]
        assert len(found[0]["list"]) == 7
        assert found[1]["list"] == found[2]["list"] == []
        assert found[3]["errcode"] == 45009
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert "s3cret" not in output  # the export line was read before
    assert "s4cret" not in output
    assert reply["access_token"] not in output


def test_a_port_in_use_is_an_error_in_one_line(tmp_path: Path) -> None:
    with program(tmp_path) as (_, url):
        again = [*PROGRAM, "--port", url.rpartition(":")[2]]
        second = subprocess.run(again, capture_output=True, text=True, check=False, timeout=30)
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith("Cannot listen on 127.0.0.1:")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--fault", "daily_sumary:61503"],
        ["--fault", "daily_summary"],
        ["--app", "wx0"],
        ["--now", "2026-03-03T12:00:00"],
        ["--now", "yesterday"],
        ["--launched", "2026-03-01"],
        ["--launched", "wx0:soon"],
        ["--apps", "many"],
        ["--published-at", "25:00"],
        ["--not-ready", "maybe"],
    ],
)
def test_mistakes_on_the_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from airflow_provider_wxanalysis.testing.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_help_explains_every_switch(capsys: pytest.CaptureFixture[str]) -> None:
    from airflow_provider_wxanalysis.testing.__main__ import _parser

    parser = _parser()
    assert all(action.help for action in parser._actions)
    parser.print_help()
    assert "--requests-per-minute" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "endpoint", "name", "times"),
    [
        ("daily_summary:61503:2", "daily_summary", "errcode 61503", 2),
        ("daily_summary:-1", "daily_summary", "errcode -1", None),
        ("token:http-500", "token", "http 500", None),
        ("*:truncated:1", None, "truncated", 1),
        ("*:not-json", None, "not json", None),
        ("*:hang-5", None, "hang 5", None),
        ("*:hang:1", None, "hang 60", 1),
        ("*:slow-body", None, "slow body 10", None),
        ("*:slow-body-2", None, "slow body 2", None),
        ("*:reset", None, "reset", None),
        ("visit_page:empty", "visit_page", "empty", None),
        ("*:wrong-shape", None, "wrong shape", None),
        ("*:wrong-ref-date", None, "wrong ref_date", None),
        ("*:duplicated-rows", None, "duplicated rows", None),
        ("*:wrong-content-type", None, "wrong content type", None),
    ],
)
def test_faults_on_the_command_line(text: str, endpoint: str | None, name: str, times: int | None) -> None:
    where, fault, often = parse_fault(text)
    assert (where, fault.name, often) == (endpoint, name, times)


@pytest.mark.parametrize("text", ["", "*", "*:", "*:what", "*:http-x", "*:1:x", "nothing:1"])
def test_mistyped_faults(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="ENDPOINT:WHAT"):
        parse_fault(text)
