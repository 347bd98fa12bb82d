"""The views of the package: what they read, what their columns mean, and the statement that makes each.

A view is a ``report_*.sql`` file, a SELECT with places to fill in, and a TOML file of the same name: what it shows, in
Chinese and English, and the same for every column, in order. A column that comes from a table unchanged has an empty
text there: it means what the catalogue says.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import DAY, MONTH, WEEK

#: Ordered so that each view comes after those that it reads.
NAMES = (
    "report_day",
    "report_period",
    "report_retention",
    "report_retention_curve",
    "report_sources",
    "report_stay_depth",
    "report_pages",
    "report_portrait",
    "report_performance",
    "report_quality",
    "report_coverage",
)
_APP_NAME = "小程序名称 / What people call the mini program"
_READS = re.compile(r"`\{dataset\}\.(\w+)`")
_NATURAL = {DAY: "day", WEEK: "week", MONTH: "month"}


@dataclass(frozen=True)
class View:
    """One view.

    :param name: its name.
    :param description: what it shows, in Chinese and English.
    :param columns: description by column, in order.
    :param needs_all: whether it needs all tables that it reads; otherwise any will do, and the others count as empty.
    :param sql: the SELECT, with places to fill in.
    """

    name: str
    description: str
    columns: Mapping[str, str]
    needs_all: bool
    sql: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables of endpoints, and the views, that it reads."""
        return tuple(name for name in _tables(self.sql) if name in ENDPOINTS or name in NAMES)

    def obstacle(self, present: Mapping[str, Collection[str]]) -> str | None:
        """Return why it cannot be made, or ``None`` if it can.

        :param present: the tables and views that exist, with their columns.
        """
        missing = [name for name in self.reads if name not in present]
        if len(missing) >= (1 if self.needs_all else len(self.reads)):
            return f"missing: {', '.join(missing)}"
        lacking = {name: self._lacking(name, present[name]) for name in self.reads if name in present}
        texts = [
            f"table {name} lacks {', '.join(columns)}, which the next load adds"
            for name, columns in lacking.items()
            if columns
        ]
        return "; ".join(texts) or None

    def _lacking(self, name: str, columns: Collection[str]) -> list[str]:
        """Return the columns of a table that the SELECT mentions and the table does not have."""
        known = ENDPOINTS[name].table_columns if name in ENDPOINTS else ()
        mentioned = set(re.findall(r"\w+", self.sql))
        return [column.name for column in known if column.name in mentioned and column.name not in columns]

    def select(self, dataset: str, present: Collection[str], ready_after: dt.timedelta) -> str:
        """Return the SELECT.

        :param dataset: ``project.dataset``.
        :param present: the tables that exist; the others count as empty.
        :param ready_after: how long after a period's end WeChat may take to publish it.
        """
        sql = self.sql.replace("{ready_seconds}", str(int(ready_after.total_seconds())))
        sql = _READS.sub(
            lambda table: _empty(table[1]) if table[1] in ENDPOINTS and table[1] not in present else table[0], sql
        )
        return sql.replace("{dataset}", dataset)

    def statement(self, dataset: str, present: Collection[str], ready_after: dt.timedelta) -> str:
        """Return the statement that makes or replaces the view; parameters as for :meth:`select`."""
        columns = ",\n".join(f"  {name} OPTIONS(description={_text(text)})" for name, text in self.columns.items())
        return (
            f"CREATE OR REPLACE VIEW `{dataset}.{self.name}` (\n{columns}\n)\n"
            f"OPTIONS(description={_text(self.description)})\nAS\n{self.select(dataset, present, ready_after)}"
        )


@functools.cache
def view(name: str) -> View:
    """Return a view by its name.

    :raises ConfigurationError: if there is none.
    """
    if name not in NAMES:
        raise ConfigurationError(f"There is no view {name!r}. Known: {', '.join(NAMES)}.")
    folder = files(__package__)
    sql = _filled(folder.joinpath(f"{name}.sql").read_text("utf-8").strip())
    content = tomllib.loads(folder.joinpath(f"{name}.toml").read_text("utf-8"))
    columns = {column: text or _described(column, _tables(sql)) for column, text in content["columns"].items()}
    return View(name, f"{content['zh']} / {content['en']}", columns, content["needs"] == "all", sql)


def _tables(sql: str) -> dict[str, None]:
    return dict.fromkeys(_READS.findall(sql))


def _described(column: str, tables: Collection[str]) -> str:
    """Return what the catalogue says of a column of the tables that a view reads."""
    if column == "app_name":
        return _APP_NAME
    for name in tables:
        if name in NAMES and column in view(name).columns:
            return view(name).columns[column]
        for found in ENDPOINTS[name].table_columns if name in ENDPOINTS else ():
            if found.name == column:
                return found.description
    raise LookupError(f"nothing describes the column {column}")


def _filled(sql: str) -> str:
    """Fill in what follows from the catalogue."""
    apps = "(SELECT appid, MAX(app_name) AS app_name FROM `{dataset}.weanalysis_apps` GROUP BY appid)"
    return (
        sql.replace("{apps}", apps)
        .replace("{row_limit}", str(ENDPOINTS["visit_page"].row_limit))
        .replace("{endpoints}", ",\n".join(map(_facts, ENDPOINTS.values())))
        .replace("{slices}", "\n  UNION ALL\n".join(map(_slices, ENDPOINTS.values())))
    )


def _facts(endpoint: Endpoint) -> str:
    """Return the struct that describes an endpoint in ``report_coverage``."""
    length = endpoint.window.ending(dt.date(2026, 5, 31))  # a Sunday that ends a month
    assert length is not None
    days = (length.end_date - length.begin_date).days + 1
    return (
        f"    STRUCT('{endpoint.name}' AS endpoint, '{_NATURAL.get(endpoint.window, 'rolling')}' AS period,"
        f" {days} AS length, {max(endpoint.refresh_offsets, default=0)} AS grows_for,"
        f" {_number(endpoint.row_limit)} AS row_limit, {_number(endpoint.reach_days)} AS reach_days)"
    )


def _slices(endpoint: Endpoint) -> str:
    return (
        f"  SELECT '{endpoint.name}' AS endpoint, appid, begin_date, end_date, COUNT(*) AS row_count,"
        f" COUNT(DISTINCT _load_id) AS loads, MAX(_loaded_at) AS loaded_at\n"
        f"  FROM `{{dataset}}.{endpoint.name}` GROUP BY appid, begin_date, end_date"
    )


def _empty(name: str) -> str:
    """Return what stands for a table that does not exist: its columns and no rows."""
    columns = ", ".join(
        f"CAST(NULL AS {column.type}) AS {column.name}"
        for column in ENDPOINTS[name].table_columns
        if column.type != "JSON"  # no view reads it
    )
    return f"(SELECT {columns} LIMIT 0)"


def _number(value: int | None) -> str:
    return "CAST(NULL AS INT64)" if value is None else str(value)


def _text(value: str) -> str:
    """Return a text as a literal of BigQuery, whose escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False)
