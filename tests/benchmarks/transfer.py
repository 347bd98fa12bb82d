"""A year of pages into BigQuery: one task, against dlt's merge and against one task per day."""

from __future__ import annotations

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.benchmarks.measure import Program, Spread, ask_all, figure, ratio
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import APPS, LAST_DAY, PAGES, serving_loads

DAYS = 365
DAILY_TASKS = 10
LATENCY = 0.1
CONCURRENCY = 4
OURS = Program("this package", "transfer_package")
DLT = Program("dlt merge", "transfer_dlt", ".venv-bench-dlt")
DAILY = Program("one task per day", "transfer_daily_tasks")
TEXT = f"""\
A year of visit_page of one app ({DAYS * PAGES:,} rows) through the unmodified Google client into local-bigquery, with
{LATENCY * 1000:.0f} ms latency at WeChat and concurrency {CONCURRENCY}. Fetching, making rows, and merging overlap, so
their times add up to more than the whole. One task per day is measured with {DAILY_TASKS} days by `dag.test()`, which
starts no processes and needs no scheduler, and multiplied; a real Airflow takes longer. dlt merges by primary
key, takes its own requests session with deferred calls, and looks for the end of its jobs once a second, which is part
of its time; it gets anonymous credentials by a patch, and writes no gzip, which local-bigquery cannot read. Everybody
loads into a new dataset. local-bigquery runs on the same two cores and is no measure of BigQuery's own speed."""


def run(rounds: int) -> Section:
    """Measure."""
    with serving_loads(CONCURRENCY) as (replies, env):
        asked = {
            "url": replies.url,
            "tokens": {APPS[0]: replies.tokens[APPS[0]]},
            "paths": [ENDPOINTS["visit_page"].path],
            "days": DAYS,
            "last_day": LAST_DAY.isoformat(),
            "concurrency": CONCURRENCY,
            "primary_key": ["ref_date", "page_path"],
        }
        OURS.run(asked, env)  # so that the server has all replies ready
        replies.latency = LATENCY
        found = ask_all([OURS, DLT], asked, env, rounds)
        daily = ask_all([DAILY], {**asked, "days": DAILY_TASKS}, env, rounds)
    whole, dlt = figure(found, OURS.label, "wall"), figure(found, DLT.label, "wall")
    tasks = Spread(tuple(value * DAYS / DAILY_TASKS for value in figure(daily, DAILY.label, "wall").values))
    pairs = zip(tasks.values, whole.values, strict=True)
    main = Table(
        f"{DAYS} days, {DAYS * PAGES:,} rows",
        ["program", "seconds", "times this package", "CPU seconds", "MERGE statements"],
        [
            [OURS.label, f"{whole:.1f}", "1", f"{figure(found, OURS.label, 'cpu'):.1f}", _merges(found[OURS.label])],
            [
                DLT.label,
                f"{dlt:.1f}",
                f"{ratio(found, DLT.label, OURS.label, 'wall')}",
                f"{figure(found, DLT.label, 'cpu'):.1f}",
                "its own",
            ],
            [DAILY.label, f"{tasks:.0f}", f"{Spread(tuple(a / b for a, b in pairs)):.1f}", "", str(DAYS)],
        ],
    )
    phases = Table(
        "This package's time",
        ["phase", "seconds", "share of the whole"],
        [
            [title, f"{figure(found, OURS.label, name):.1f}", f"{_share(found[OURS.label], name)}"]
            for title, name in {
                "fetching, from first to last reply": "fetch",
                "making and encoding rows, meanwhile": "transform",
                "merging and verifying, mostly meanwhile": "load",
            }.items()
        ],
    )
    groups = {"visit_page, a year": {OURS.label: bar(whole), DLT.label: bar(dlt), DAILY.label: bar(tasks)}}
    picture = Bars("transfer", "A year of visit_page into BigQuery", "seconds", groups)
    return Section("transfer", "Whole transfer", TEXT, [main, phases], [picture])


def _merges(figures: list[dict[str, float]]) -> str:
    return ", ".join(sorted({str(one["merges"]) for one in figures}))


def _share(figures: list[dict[str, float]], name: str) -> Spread:
    return Spread(tuple(one[name] / one["wall"] for one in figures))
