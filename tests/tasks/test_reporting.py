"""What the coverage task writes into its log."""

from __future__ import annotations

import datetime as dt
import logging

import pytest

from airflow_provider_wxanalysis.coverage.ranges import ranges
from airflow_provider_wxanalysis.coverage.states import Coverage, State
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.tasks.reporting import report

DAYS = tuple(Period(day, day) for day in (dt.date(2026, 3, 1), dt.date(2026, 3, 2), dt.date(2026, 3, 3)))


@pytest.mark.parametrize(
    ("missing", "said"), [({1}, "To load: 1 period, in 1 range,"), ({0, 2}, "To load: 2 periods, in 2 ranges,")]
)
def test_what_is_to_be_loaded_is_counted(caplog: pytest.LogCaptureFixture, missing: set[int], said: str) -> None:
    states = tuple(State.MISSING if at in missing else State.LOADED for at in range(len(DAYS)))
    coverages = [Coverage(ENDPOINTS["visit_page"], DAYS, {"wx1": states})]
    with caplog.at_level(logging.INFO):
        report("p.d.{endpoint}", dt.date(2026, 3, 1), [], coverages, list(ranges(coverages, 10)), {})
    assert said in caplog.text
