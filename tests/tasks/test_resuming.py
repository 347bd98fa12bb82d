"""Since when a task may have loaded something already."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from airflow_provider_wxanalysis.tasks.resuming import tried_since

BEGAN = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("try_number", "max_tries", "resumes"),
    [
        (1, 3, False),
        (2, 3, True),
        (4, 3, True),
        (3, 5, False),  # cleared after the second try: Airflow adds the retries to the tries made
        (4, 5, True),
        (5, 7, False),  # and cleared once more
        (1, None, False),
        (2, None, True),
    ],
)
def test_a_retry_resumes_and_a_cleared_task_begins_again(try_number, max_tries, resumes):
    ti = SimpleNamespace(try_number=try_number, **({} if max_tries is None else {"max_tries": max_tries}))
    context = {"ti": ti, "dag_run": SimpleNamespace(start_date=BEGAN)}
    assert tried_since(context, retries=3) == (BEGAN if resumes else None)


def test_a_run_that_does_not_say_when_it_began():
    assert tried_since({"ti": SimpleNamespace(try_number=2)}, retries=3) is None
