"""A run's partition, and the day it stands for. For Airflow 3.3 and later.

.. seealso:: https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/assets.html
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import SHANGHAI

#: A day or a month, as people and Airflow's mappers write it: ``2026-10-12``, ``2026-10-12 (W42)``, ``202610`` …
_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2})(?: \(W\d{2}\))?)?|(\d{4})(\d{2})(\d{2})?", re.ASCII)
#: A time of day after it: ``T00``, ``T00:00:00``, ``T00:00:00+08:00`` …
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def partition_day(context: Mapping[str, Any]) -> tuple[dt.date, str] | None:
    """Return the day in Asia/Shanghai on which the run's partition begins, and what messages call the partition.

    :param context: Airflow's context.
    :return: ``None`` if the run has no partition.
    :raises ConfigurationError: if the partition's key holds no date, or the Airflow is too old to pass it to tasks.
    """
    key, date = context.get("partition_key"), context.get("partition_date")
    if date is not None:
        return _shanghai_day(date), str(key or date)
    if key is not None:
        return parse_partition(str(key)), str(key)
    if getattr(context.get("dag_run"), "partition_key", None) is not None:
        raise ConfigurationError(
            "Partitions need Airflow 3.3 or later: earlier ones do not pass them to tasks, and write their keys in "
            "UTC. Until then use a timetable with data intervals, or give from_date and to_date."
        )
    return None


def parse_partition(key: str) -> dt.date:
    """Read the first day that a partition key names; a time of day without offset counts in Asia/Shanghai.

    :raises ConfigurationError: if the key as a whole is neither a day, a month nor a time in ISO 8601.
    """
    try:
        if _TIME.fullmatch(key):
            time = dt.datetime.fromisoformat(key)
            return time.date() if time.tzinfo is None else _shanghai_day(time)
        if found := _DATE.fullmatch(key):
            year, month, day = (*(int(part) for part in found.groups() if part), 1)[:3]
            return dt.date(year, month, day)
    except (ValueError, OverflowError):
        pass
    raise ConfigurationError(
        f"The partition key must be a date such as 2026-10-12 or 2026-10, got {key!r}. Use key_format='%Y-%m-%d', or "
        "a timetable that sets the partition date."
    )


def _shanghai_day(instant: dt.datetime) -> dt.date:
    return dt.date.fromordinal(instant.astimezone(SHANGHAI).toordinal())
