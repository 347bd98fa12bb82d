"""From reply bytes to what BigQuery is sent: rows a second, against pandas and dlt."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from tests.benchmarks.measure import Program, Rounds, Spread, figure, in_turns
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import APPS, LAST_DAY, Replies

BODIES = 12
SECONDS = 1.0
OURS = Program("this package", "rows_package")
STRICT = Program("this package, value by value", "rows_package")
PANDAS = Program("pandas.json_normalize", "rows_pandas", ".venv-bench-pandas")
DLT = Program("dlt, end to end", "rows_dlt", ".venv-bench-dlt")
LABELS = [program.label for program in (OURS, STRICT, PANDAS, DLT)]
#: Where a reply is a plain list of rows, which dlt takes as it is.
PLAIN = ("daily_summary", "daily_visit_trend", "visit_page")
TEXT = """\
This package's figure covers everything from the bytes of a reply to the payload of a MERGE: parsing with a look for
names given twice, checks of type and period, labels, unknown fields, encoding. pandas parses and flattens only, and
writes nothing. dlt extracts, normalizes and writes JSON lines; it is measured where a reply is a plain list. Ordinary
replies are decoded into typed structures; a reply with anything unusual, such as a field that the catalogue does not
know, is read value by value, as every reply of performance_data is. Targets: for visit_page at least 25 times dlt and
7 times pandas, for replies of one row (daily_summary, daily_visit_trend) at least 3 times dlt. These are bound by what
a reply costs, whatever is in it: the choice of its decoder, the count of its names, the check of its period, and an
encoding."""


def run(rounds: int) -> Section:
    """Measure."""
    table = Table("Rows per second", ["endpoint", *LABELS, "gain by types", "times pandas", "times dlt"])
    groups = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for entry in ENDPOINTS.values():
            found = _measure(entry, Path(folder), rounds)
            speeds = {label: figure(found, label, "rows_per_second") for label in found}
            table.rows.append(_line(entry, speeds))
            if entry.name == "visit_page":
                groups = {entry.name: {label: bar(speed) for label, speed in speeds.items()}}
    picture = Bars("rows", "Rows per second, from reply to payload", "rows per second", groups)
    return Section("rows", "Row work", TEXT, [table], [picture])


def _measure(entry: Endpoint, folder: Path, rounds: int) -> Rounds:
    replies = Replies()
    periods = [entry.window.earlier(entry.window.latest(LAST_DAY), back) for back in range(BODIES)]
    periods = periods[:1] if entry.reach_days is not None else periods
    for number, period in enumerate(periods):
        body = replies.body(entry, APPS[0], entry.requests(period)[0].body)
        (folder / f"{entry.name}.{number:02}.json").write_bytes(body)
    dates = [[str(period.begin_date), str(period.end_date)] for period in periods]
    asked: dict[str, Any] = {"folder": str(folder), "endpoint": entry.name, "seconds": SECONDS, "periods": dates}
    programs = [OURS, STRICT, PANDAS, *([DLT] if entry.name in PLAIN else [])]
    questions = {program: {**asked, "typed": program is not STRICT} for program in programs}
    return in_turns({one.label: functools.partial(one.run, question) for one, question in questions.items()}, rounds)


def _line(entry: Endpoint, speeds: dict[str, Spread]) -> list[str]:
    best = speeds[OURS.label]

    def over(label: str) -> str:
        if label not in speeds:
            return "–"
        pairs = zip(best.values, speeds[label].values, strict=True)
        return f"{Spread(tuple(one / other for one, other in pairs)):.1f}"

    shown = [f"{speeds[label]:,.0f}" if label in speeds else "–" for label in LABELS]
    return [entry.name, *shown, over(STRICT.label), over(PANDAS.label), over(DLT.label)]
