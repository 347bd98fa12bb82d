"""What the log says while a load is under way."""

from __future__ import annotations

import logging

import pytest

from airflow_provider_wxanalysis.tasks.progress import MANY, Progress, duration


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock, caplog):
    caplog.set_level(logging.DEBUG)
    return Progress(logging.getLogger("load"), clock)


def infos(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]


def test_a_small_load_has_a_line_for_each_period(progress, caplog):
    progress.expect(MANY - 1)
    progress.got("daily_summary 2026-03-01 of app wx1", "1 row")
    assert infos(caplog) == ["daily_summary 2026-03-01 of app wx1: 1 row."]


def test_a_large_one_has_a_line_every_thirty_seconds_and_one_for_each_statement(progress, clock, caplog):
    progress.expect(730)
    for _ in range(412):
        clock.now += 0.125
        progress.got("a period", "1 row")
    assert infos(caplog) == ["240 of 730 fetched, 0 in the table, 0 rows, 8/s, about 61 s left."]
    assert len(caplog.records) == 413, "single periods at DEBUG"
    progress.wrote(350, 82_400)
    assert infos(caplog)[1] == "412 of 730 fetched, 350 in the table, 82,400 rows, 8/s, about 40 s left."


def test_the_last_statement_needs_no_line_of_its_own(progress, caplog):
    progress.expect(1)
    progress.got("a period", "1 row")
    progress.wrote(1, 1)
    assert len(infos(caplog)) == 1


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (120, "2 min"), (9000, "2.5 h")])
def test_durations(seconds, text):
    assert duration(seconds) == text
