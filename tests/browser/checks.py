"""What a run of the browser checks: each look is printed, and the first that is wrong ends the program."""

from __future__ import annotations

import sys


def same(what: str, found: object, expected: object) -> None:
    """Print what was seen; end the program if it is not what was expected."""
    if found != expected:
        sys.exit(f"{what}: {found!r} instead of {expected!r}")
    print(f"{what}: {found!r}", flush=True)


def holds(what: str, text: str, part: str) -> None:
    """Print what was looked for; end the program if the text lacks it."""
    if part not in text:
        sys.exit(f"{what}: {part!r} is missing in {text!r}")
    print(f"{what}: {part!r}", flush=True)
