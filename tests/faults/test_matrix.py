"""The page is current, and every fault ends either with the right rows or with a typed error that says what to do."""

from __future__ import annotations

import pytest

from airflow_provider_wxanalysis.wechat.patience import ATTEMPTS
from tests.faults.matrix import CALLS, CASES, Laboratory
from tests.faults.page import PAGE, cells, read, render


@pytest.fixture(scope="module")
def laboratory():
    with Laboratory() as running:
        yield running


@pytest.mark.parametrize("name", CASES)
def test_a_fault_comes_to_what_the_page_says(laboratory, name):
    outcomes = laboratory.outcomes(CASES[name])
    assert cells(outcomes) == read()[0][name]
    assert not laboratory.leaks.found, "no secret is shown"
    for number, outcome in enumerate(outcomes):
        if outcome and outcome.error:
            helps(outcome.error, f"{'access token' if CALLS[number // 2] == 'token' else laboratory.day}")
        assert outcome is None or max(outcome.requests) <= ATTEMPTS


def helps(error, where):
    said, _, remedy = str(error).partition(". ")
    assert where in said or "token endpoint" in said
    assert len(remedy) > 20 or remedy == "Try again later.", "what to do"
    assert remedy.endswith(".")


def test_the_page_has_these_faults_and_no_others():
    assert render(*read()) == PAGE.read_text()
