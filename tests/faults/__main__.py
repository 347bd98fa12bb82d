"""Provoke every fault and write the page again: ``python -m tests.faults``."""

from __future__ import annotations

import shutil

import tests.conftest  # first of all: it gives Airflow a home of its own
from tests.faults.matrix import CASES, Laboratory
from tests.faults.page import PAGE, cells, render

try:
    with Laboratory() as laboratory:
        found = {name: cells(laboratory.outcomes(case)) for name, case in CASES.items()}
        assert not laboratory.leaks.found
        PAGE.write_text(render(found, laboratory.leaks.searched))
finally:
    shutil.rmtree(tests.conftest.HOME, ignore_errors=True)
