"""Running programs, each in its own environment, in turns: what slows the machine down meets all of them alike."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.stopwatch import Figures
from tests.support.servers import REPOSITORY

ROUNDS = 5
TIMEOUT = 1200


@dataclass(frozen=True)
class Program:
    """A program of :mod:`tests.benchmarks.programs`.

    :param label: what the report calls it.
    :param module: its name.
    :param environment: the environment it runs in, a folder of the repository.
    """

    label: str
    module: str
    environment: str = ".venv"

    def run(self, asked: Mapping[str, Any], env: Mapping[str, str] | None = None) -> Figures:
        """Run it and return the figures it prints last."""
        command = [
            str(REPOSITORY / self.environment / "bin" / "python"),
            "-m",
            f"tests.benchmarks.programs.{self.module}",
        ]
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            cwd=REPOSITORY,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.label} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        figures: Figures = json.loads(done.stdout.splitlines()[-1])
        return figures


Rounds = dict[str, list[Figures]]


def in_turns(runs: Mapping[str, Callable[[], Figures]], rounds: int) -> Rounds:
    """Do all runs ``rounds`` times, in turns, and return their figures by label."""
    found: Rounds = {label: [] for label in runs}
    for _ in range(rounds):
        for label, run in runs.items():
            found[label].append(run())
    return found


@dataclass(frozen=True)
class Spread:
    """Several measurements of one thing.

    :param values: at least one.
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.values)

    def __format__(self, spec: str) -> str:
        """Show the median and, in brackets, the lowest and the highest."""
        spec = spec or ".2f"
        low, high = format(min(self.values), spec), format(max(self.values), spec)
        middle = format(self.median, spec)
        return middle if low == high else f"{middle} ({low} to {high})"


def figure(rounds: Rounds, label: str, name: str) -> Spread:
    """Return one figure of one program over all rounds."""
    return Spread(tuple(float(figures[name]) for figures in rounds[label]))


def ratio(rounds: Rounds, above: str, below: str, name: str) -> Spread:
    """Return the ratio of two programs' figures, round by round."""
    pairs = zip(rounds[above], rounds[below], strict=True)
    return Spread(tuple(one[name] / other[name] for one, other in pairs))
