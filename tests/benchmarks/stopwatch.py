"""The programs' side of a measurement: arguments in, figures out. Runs in every environment, so on Python alone."""

from __future__ import annotations

import gc
import json
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Figures = dict[str, Any]


def arguments() -> dict[str, Any]:
    """Return what the program was asked to do."""
    found: dict[str, Any] = json.load(sys.stdin)
    return found


@contextmanager
def clock(figures: Figures) -> Iterator[None]:
    """Add wall and CPU time of the block to ``figures``, in seconds."""
    gc.collect()  # looks through all that was imported, which Python would else do sometime in the block
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    figures["wall"] = time.perf_counter() - wall
    figures["cpu"] = time.process_time() - cpu


def peak() -> float:
    """Return the most memory that this process has held so far, in MB."""
    # Linux's own count: getrusage's begins with what the parent held when it started this process.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def new_dataset() -> str:
    """Return a name for a dataset that is not there yet."""
    return f"bench.t_{uuid.uuid4().hex[:12]}"


def report(figures: Figures) -> None:
    """Hand the figures over."""
    print(json.dumps(figures))
