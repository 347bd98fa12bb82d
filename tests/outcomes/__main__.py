"""Provoke every outcome and write the page: ``python -m tests.outcomes``."""

from __future__ import annotations

import os
import shutil

import tests.conftest  # first of all: it gives Airflow a home of its own
from tests.outcomes.matrix import CASES, Laboratory
from tests.outcomes.page import PAGE, render
from tests.support.servers import local_bigquery

try:
    with local_bigquery(tests.conftest.HOME / "bigquery", "test-project") as url:
        os.environ["BIGQUERY_EMULATOR_HOST"] = url
        with Laboratory("test-project.outcomes") as laboratory:
            PAGE.write_text(render({case: laboratory.course(case) for case in CASES}))
finally:
    shutil.rmtree(tests.conftest.HOME, ignore_errors=True)
