"""Load yesterday in a fresh process, as a task does; the servers see when it asks, this program when it imports.

It runs with the package's code of other commits as well, and so takes only what all of them have.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

import airflow_provider_wxanalysis
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.benchmarks.stopwatch import Figures, arguments, report
from tests.support.contexts import run_context

CLIENT = "google.cloud.bigquery"


class Watch(MetaPathFinder):
    """Notes when the first module of Google's is looked for, and when the client is there."""

    def __init__(self) -> None:
        self.starts_at = 0.0
        self.ends_at = 0.0

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if not name.startswith("google."):
            return None
        self.starts_at = self.starts_at or time.monotonic()
        if name != CLIENT:
            return None
        spec = PathFinder.find_spec(name, path)
        assert spec
        assert spec.loader
        self._time(spec.loader)
        return spec

    def _time(self, loader: Loader) -> None:
        execute = loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            self.ends_at = time.monotonic()

        loader.exec_module = exec_module  # type: ignore[method-assign]


asked = arguments()
assert CLIENT not in sys.modules
assert airflow_provider_wxanalysis.__file__
assert airflow_provider_wxanalysis.__file__.startswith(asked["code"]), airflow_provider_wxanalysis.__file__
task = WeAnalysisToBigQueryOperator(
    task_id="load",
    endpoint=asked["endpoint"],
    weanalysis_conn_id=asked["conn_id"],
    gcp_conn_id=None,
    destination_project_dataset_table=asked["table"],
    create_dataset=True,
)
end = dt.datetime.combine(dt.date.fromisoformat(asked["last_day"]), dt.time(12), tzinfo=SHANGHAI) + dt.timedelta(days=1)
context = run_context(end - dt.timedelta(days=1), end)
watch = Watch()
sys.meta_path.insert(0, watch)
figures: Figures = {"starts_at": time.monotonic()}
figures["rows"] = task.execute(context)["rows"]
figures["ends_at"] = time.monotonic()
report({**figures, "import": [watch.starts_at, watch.ends_at]})
