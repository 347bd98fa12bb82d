"""Measure in both environments and write the page: ``python -m tests.ending``."""

from __future__ import annotations

import datetime as dt
import json
import subprocess

from tests.ending.page import PAGE, render
from tests.support.servers import REPOSITORY

found = {}
for environment in (".venv", ".venv-airflow-2.11"):
    command = [str(REPOSITORY / environment / "bin" / "python"), "-m", "tests.ending.measure"]
    output = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout
    version, seconds = json.loads(output.splitlines()[-1])
    found[version] = seconds
PAGE.write_text(render(found, f"{dt.datetime.now(dt.UTC).date()}"))
