"""Long lists in few words."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_provider_wxanalysis.folding import counted, folded, folded_periods
from airflow_provider_wxanalysis.periods import DAY, LAST_7_DAYS, MONTH, WEEK


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "a0"),
        (5, "a0, a1, a2, a3, a4"),
        (6, "a0, a1, a2, a3, a4, a5"),
        (7, "a0, a1, a2, a3, a4 and 2 more"),
        (1205, "a0, a1, a2, a3, a4 and 1,200 more"),
    ],
)
def test_names(count, text):
    assert folded(f"a{number}" for number in range(count)) == text


def test_how_many_names_are_shown():
    assert folded((f"a{number}" for number in range(500)), 3) == "a0, a1, a2 and 497 more"


@pytest.mark.parametrize(
    ("window", "days", "text"),
    [
        (DAY, [1], "2026-03-01"),
        (DAY, [2, 1], "2026-03-01, 2026-03-02"),
        (DAY, [1, 2, 3], "2026-03-01 to 2026-03-03 (3 periods)"),
        (DAY, [1, 2, 3, 5, 7, 8, 9, 10], "2026-03-01 to 2026-03-03 (3 periods), 2026-03-05, "
                                         "2026-03-07 to 2026-03-10 (4 periods)"),
        (DAY, range(1, 31, 2), "2026-03-01, 2026-03-03, 2026-03-05, 2026-03-07, 2026-03-09 and 10 more"),
        (WEEK, [8, 15, 22], "2026-03-02 to 2026-03-22 (3 periods)"),
        (MONTH, [31], "2026-03-01/2026-03-31"),
        (LAST_7_DAYS, [7, 8, 9], "2026-03-01 to 2026-03-09 (3 periods)"),
    ],
)  # fmt: skip
def test_periods(window, days, text):
    assert folded_periods(window.ending(dt.date(2026, 3, day)) for day in days) == text


def test_counts():
    assert (counted(0, "row"), counted(1, "row"), counted(82400, "row")) == ("0 rows", "1 row", "82,400 rows")
