"""Refusing arguments that cannot work: when the DAG is parsed where they are literals, else before the task begins."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_wxanalysis.bigquery.accounts import check_impersonation
from airflow_provider_wxanalysis.endpoints import resolve
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.hooks.readiness import LONGEST_WAIT
from airflow_provider_wxanalysis.tasks.apps import app_refs
from airflow_provider_wxanalysis.tasks.runs import explicit_date, explicit_periods

#: By argument, a function that raises ConfigurationError for a value that cannot work.
Rules = Mapping[str, Callable[[Any], object]]

#: Letters, digits and the punctuation of dates, AppIDs, tables and accounts. A DAG may have template delimiters of its
#: own, so a text with any other character may be a template.
_PLAIN = re.compile(r"(?!.*(?:\{\{|\{%|\{#))[\w\-.:/{}@ ]*")

#: One thread each; with more, a task's process gets no faster.
MOST_IN_FLIGHT = 64

_LONGEST = int(LONGEST_WAIT.total_seconds())
_DAYS = f"{_LONGEST} ({LONGEST_WAIT.days} days)"


def is_literal(value: object) -> bool:
    """Whether an argument is certainly known when the DAG is parsed: no template and no output of another task."""
    if isinstance(value, str):
        return _PLAIN.fullmatch(value) is not None
    if isinstance(value, (list, tuple)):
        return all(map(is_literal, value))
    return value is None or isinstance(value, (int, float, bytes, dt.date, dt.timedelta))


def check_arguments(given: Mapping[str, Any], rules: Rules, *, rendered: bool = False) -> None:
    """Refuse what cannot work among arguments of which some may not be known yet.

    :param given: arguments by name: all of a task's, or those that its mapped instances share.
    :param rules: what single arguments must pass, by name.
    :param rendered: whether other tasks have run: they may return an empty list of apps, which is no mistake.
    :raises ConfigurationError: naming the argument.
    """
    for name, rule in rules.items():
        if name in given:
            rule(given[name])
    conn_ids, appids = given.get("weanalysis_conn_id", "any"), given.get("appids")
    check_apps("weanalysis_conn_id", conn_ids, appids, rendered=rendered)
    if is_literal(chain := given.get("impersonation_chain")):
        check_impersonation(given.get("gcp_conn_id", "any"), chain)
    entry = resolve(given["endpoint"], given.get("endpoint_options")) if "endpoint" in given else None
    dates = [given[name] for name in ("from_date", "to_date") if name in given]
    if entry and len(dates) == 2 and any(dates) and all(map(is_literal, dates)):
        explicit_periods(entry.window, dates[0], dates[1], None)
    for date in filter(None, dates):
        if is_literal(date):
            explicit_date(date)


def check_apps(name: str, conn_ids: Any, appids: Any, *, rendered: bool = False) -> None:
    """Refuse apps that are known and cannot be asked for.

    :param name: what the argument with the connections is called.
    :param conn_ids: a connection id, or a list of them.
    :param appids: AppIDs that the one connection serves, or ``None``.
    :param rendered: whether an empty list may come from another task, which means that there is nothing to do.
    :raises ConfigurationError: if there is none, or the two do not go together.
    """
    if is_literal(conn_ids) and is_literal(appids) and not app_refs(conn_ids, appids) and not rendered:
        raise ConfigurationError(f"{name} and appids must name at least one app, got an empty list.")


def seconds(name: str) -> Callable[[Any], None]:
    """Return the rule for an argument that is a number of seconds above 0."""

    def check(value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _LONGEST:
            raise ConfigurationError(f"{name} must be a number of seconds above 0, at most {_DAYS}, got {value!r}.")

    return check


def with_an_end(name: str) -> Callable[[Any], None]:
    """Return the rule for a time that Airflow itself checks, except for its upper bound."""

    def check(value: Any) -> None:
        length = value.total_seconds() if isinstance(value, dt.timedelta) else value
        if isinstance(length, (int, float)) and not length <= _LONGEST:
            raise ConfigurationError(f"{name} must be at most {_DAYS}, got {value!r}.")

    return check


def requests_in_flight(value: Any) -> None:
    """Refuse a number of requests that cannot be in flight at once.

    :raises ConfigurationError: if it is not a whole number within bounds.
    """
    if type(value) is not int or not 1 <= value <= MOST_IN_FLIGHT:
        raise ConfigurationError(
            f"max_requests_in_flight must be a whole number from 1 to {MOST_IN_FLIGHT}, got {value!r}."
        )
