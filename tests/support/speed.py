"""The figures of the benchmarks that the docs quote, in both languages: medians, as they were measured last."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.benchmarks.report import RESULTS

_YEAR = "visit_page, 365 days, concurrency 16"
_CPU = "visit_page, CPU time of 365 calls, no latency"
_MANY = "10 endpoints x 3 apps x 90 days, concurrency 16"
_INTO = "365 days, 73,000 rows"
_APPS = "100 apps, one day of daily_summary, by dag.test()"
#: Name -> benchmark, and its table, line and column.
_FIGURES = {
    "rows_dlt": ("rows", "Rows per second", "visit_page", "times dlt"),
    "rows_pandas": ("rows", "Rows per second", "visit_page", "times pandas"),
    "cpu": ("backfill", _CPU, "this package", "times requests pool"),
    "cpu_dlt": ("backfill", _CPU, "dlt deferred", "times requests pool"),
    "cpu_airbyte": ("backfill", _CPU, "Airbyte CDK", "times requests pool"),
    "year": ("backfill", _YEAR, "this package", "share of the limit"),
    "year_pool": ("backfill", _YEAR, "requests pool", "share of the limit"),
    "year_dlt": ("backfill", _YEAR, "dlt deferred", "share of the limit"),
    "year_airbyte": ("backfill", _YEAR, "Airbyte CDK", "share of the limit"),
    "many": ("backfill", _MANY, "this package", "seconds"),
    "many_pool": ("backfill", _MANY, "requests pool", "seconds"),
    "many_dlt": ("backfill", _MANY, "dlt deferred", "seconds"),
    "into_dlt": ("transfer", _INTO, "dlt merge", "times this package"),
    "into_daily": ("transfer", _INTO, "one task per day", "times this package"),
    "apps": ("apps", _APPS, "one task for all", "seconds"),
    "apps_jobs": ("apps", _APPS, "one task for all", "BigQuery jobs"),
    "mapped": ("apps", _APPS, "a mapped task for each app", "seconds"),
    "mapped_jobs": ("apps", _APPS, "a mapped task for each app", "BigQuery jobs"),
    "memory": ("memory", "Peak memory of one load", "1,825 days", "times 365 days"),
}
_TABLES = {
    "en": """
| what | this package | compared with |
|---|---|---|
| a reply of `visit_page` (200 rows) to a MERGE's payload | 1 | \
dlt {rows_dlt} times as long, `pandas.json_normalize` (flattening alone) {rows_pandas} times |
| CPU time of 365 calls of `visit_page`, rows included | {cpu} | \
`requests` pool without rows 1, dlt {cpu_dlt}, Airbyte's CDK {cpu_airbyte} |
| a year of `visit_page`, 16 requests in flight, share of the limit | {year} | \
`requests` pool {year_pool}, dlt {year_dlt}, Airbyte's CDK {year_airbyte} |
| ten endpoints of three apps, 90 days | {many} s | `requests` pool {many_pool} s, dlt {many_dlt} s |
| a year of `visit_page` into BigQuery | 1 | dlt merge {into_dlt}, one task per day {into_daily} |
| one day of 100 apps | one task: {apps} s, {apps_jobs} BigQuery jobs | \
a task per app: {mapped} s, {mapped_jobs} jobs |
| memory of five years against one | {memory} | |
""",
    "zh-CN": """
| 项目 | 本包 | 对比 |
|---|---|---|
| `visit_page` 一个响应（200 行）到 MERGE 的参数 | 1 | \
dlt {rows_dlt} 倍时间，`pandas.json_normalize`（只展平）{rows_pandas} 倍 |
| 365 次 `visit_page` 调用的 CPU 时间，含转成行 | {cpu} | \
不转行的 `requests` 线程池 1，dlt {cpu_dlt}，Airbyte CDK {cpu_airbyte} |
| 一年的 `visit_page`，16 并发，达到上限的比例 | {year} | \
`requests` 线程池 {year_pool}，dlt {year_dlt}，Airbyte CDK {year_airbyte} |
| 三个小程序、十个接口、90 天 | {many} s | `requests` 线程池 {many_pool} s，dlt {many_dlt} s |
| 一年的 `visit_page` 写入 BigQuery | 1 | dlt merge {into_dlt}，每天一个任务 {into_daily} |
| 100 个小程序的一天 | 一个任务：{apps} s，{apps_jobs} 个 BigQuery job | \
每个小程序一个任务：{mapped} s，{mapped_jobs} 个 job |
| 五年与一年的内存之比 | {memory} | |
""",
}


def table(language: str) -> Iterator[str]:
    """Yield the table of what was measured."""
    yield _TABLES[language].format_map({name: _median(*place) for name, place in _FIGURES.items()})


def _median(benchmark: str, title: str, line: str, column: str) -> str:
    tables = json.loads((RESULTS / f"{benchmark}.json").read_text())["tables"]
    (found,) = (table for table in tables if table["title"] == title)
    (cells,) = (cells for cells in found["rows"] if cells[0] == line)
    return str(cells[found["head"].index(column)].split()[0])
