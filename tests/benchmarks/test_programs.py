"""Every benchmark is there and imports, and every program runs with today's code: ``make bench`` is seldom run."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.benchmarks import parse, programs
from tests.benchmarks.__main__ import NAMES
from tests.benchmarks.measure import Program
from tests.benchmarks.server import APPS, Replies, calls, serving

FOLDER = Path(__file__).parent
#: Modules that benchmarks share.
SHARED = {"__init__", "__main__", "measure", "report", "server", "stopwatch"}


def test_all_benchmarks_are_run():
    found = {path.stem for path in FOLDER.glob("*.py")} - SHARED
    assert {name for name in found if not name.startswith("test_")} == set(NAMES)
    for name in NAMES:
        assert callable(importlib.import_module(f"tests.benchmarks.{name}").run)
    for name in parse.PUBLIC:
        importlib.import_module(name)


def test_all_programs_are_used():
    sources = "".join((FOLDER / f"{name}.py").read_text() for name in NAMES)
    names = {path.stem for path in Path(programs.__path__[0]).glob("*.py")} - {"__init__", "dlt_bigquery"}
    assert [name for name in sorted(names) if name not in sources] == []


@pytest.mark.parametrize(
    ("program", "asked"),
    [
        ("rows_package", {"endpoint": "daily_summary", "seconds": 0.0, "periods": [], "typed": True}),
        ("classify_coverage", {"apps": 1, "days": 3}),
    ],
)
def test_a_program_of_the_package_runs(program, asked, tmp_path):
    assert Program(program, program).run({"folder": str(tmp_path), **asked})


def test_everybody_fetches_the_same():
    names = ["daily_summary", "visit_page"]
    with serving(Replies()) as replies:
        asked = {
            "url": replies.url,
            "tokens": replies.tokens,
            "endpoints": [calls(ENDPOINTS[name], 2) for name in names],
            "concurrency": 2,
        }
        env = {f"AIRFLOW_CONN_{appid.upper()}": replies.connection(appid) for appid in APPS}
        ours, bare = (Program(name, name).run(asked, env) for name in ("fetch_hook", "fetch_bare"))
    assert ours["rows"] == bare["rows"] > 0
    assert {call.path for call in replies.calls} == {ENDPOINTS[name].path for name in names}
