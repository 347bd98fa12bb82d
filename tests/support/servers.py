"""Starting and ending servers: loopback only, free ports, each ended by its own pid."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LOCAL_BIGQUERY = REPOSITORY / ".venv-bigquery"
STARTUP_SECONDS = 300


def free_port() -> int:
    """Return a port on which nothing is listening just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], log: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for as long as the block lasts; its output goes to ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=env, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        yield process
    finally:
        _end(process)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until ``url`` is answered over HTTP, or say what the server printed."""
    end = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return  # an answer, whatever it says
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-4000:]}")


@contextlib.contextmanager
def local_bigquery(folder: Path, project: str) -> Iterator[str]:
    """Run local-bigquery with its data in ``folder`` and yield its URL, fit for BIGQUERY_EMULATOR_HOST.

    ``project`` is the one that is used most; a second one costs a bit of every query.
    """
    python = LOCAL_BIGQUERY / "bin" / "python"
    if not python.exists():
        raise RuntimeError(f"{python} is missing; 'make test' and 'make demo' install it.")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [str(python), "-P", str(Path(__file__).with_name("bigquery_server.py")), "serve"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--grpc-port", str(free_port())]
    env = {**os.environ, "DATA_DIR": str(folder / "data"), "DEFAULT_PROJECT_ID": project}
    # HOME is where DuckDB looks for its extensions; the Makefile has put them there.
    env["HOME"] = str(LOCAL_BIGQUERY / "home")
    log = folder / "local-bigquery.log"
    with running(command, log, env) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/bigquery/v2/projects/p/datasets", process, log)
        yield url


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
