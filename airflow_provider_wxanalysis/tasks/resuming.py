"""Since when a task may have loaded some of its periods already, so that a retry asks only for what is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any


def tried_since(context: Mapping[str, Any], retries: int) -> dt.datetime | None:
    """Return since when earlier tries may have loaded periods; ``None`` if this is the first try.

    A cleared task starts over: its next try loads everything, which is why people clear tasks.

    :param context: Airflow's context.
    :param retries: the task's retries.
    """
    ti, run = context["ti"], context.get("dag_run")
    most = getattr(ti, "max_tries", None)  # Airflow raises it when a task is cleared
    tries = ti.try_number if most is None else ti.try_number - (most - retries)
    return getattr(run, "start_date", None) if tries > 1 else None


def waited_since(context: Mapping[str, Any], deadline: str, wait_timeout: float) -> dt.datetime:
    """Return when the try began that was waiting in the triggerer.

    Airflow 3.0 and 3.1 give a task that resumes a new start_date, so the end of its wait has to do.

    :param context: Airflow's context.
    :param deadline: when the wait ends: an aware time in ISO 8601.
    :param wait_timeout: seconds from the beginning to the deadline.
    """
    began = dt.datetime.fromisoformat(deadline) - dt.timedelta(seconds=wait_timeout)
    return min(began, getattr(context["ti"], "start_date", None) or began)
