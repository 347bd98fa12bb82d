"""Measure on the Airflow of this Python and print a line of JSON: version, and seconds by task id."""

from __future__ import annotations

import json
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.ending.matrix import CELLS, Laboratory
from tests.support.servers import local_bigquery

with tempfile.TemporaryDirectory(prefix="ending-") as folder, local_bigquery(Path(folder), "test-project") as url:
    os.environ["BIGQUERY_EMULATOR_HOST"] = url
    with Laboratory("test-project.ending.loads") as laboratory:
        seconds = {cell.task_id: laboratory.seconds(cell) for cell in CELLS}
print(json.dumps([version("apache-airflow"), seconds]))
