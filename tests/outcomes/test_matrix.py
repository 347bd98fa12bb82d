"""The page is current, and says the same as the table by which a load decides."""

from __future__ import annotations

import uuid

import pytest

from airflow_provider_wxanalysis.tasks.outcomes import Effect, Outcome, Role, Verdict, course
from tests.outcomes.matrix import CASES, REPLIES, Laboratory
from tests.outcomes.page import PAGE, render

pytestmark = pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")


@pytest.fixture(scope="module")
def found(bigquery_url, project):
    with Laboratory(f"{project}.outcomes_{uuid.uuid4().hex[:8]}") as laboratory:
        yield {case: laboratory.course(case) for case in CASES}
        laboratory.client.delete_dataset(laboratory.dataset, delete_contents=True)


OUTCOMES = dict(
    zip(
        REPLIES,
        [Outcome.ROWS, Outcome.NOT_YET, Outcome.EMPTY, Outcome.EMPTY, Outcome.NOT_YET, Outcome.REFUSED],
        strict=True,
    )
)
SLICES = {Effect.WRITE: {"WeChat's rows"}, Effect.CLEAR: {"emptied", "as it was"}, Effect.KEEP: {"as it was"}}
TASKS = {
    Verdict.FINE: {"success"},
    Verdict.RECORD: {"success"},
    Verdict.SKIP: {"skipped"},
    Verdict.SETTLE: {"success", "fails for good", "success, a warning"},
    Verdict.WAIT: {"waits for it"},
    Verdict.WARN: {"success, a warning"},
    Verdict.FAIL: {"fails, Airflow retries", "fails for good"},
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.reply}-{case.role.value}-{case.on_empty}-{case[3]}")
def test_a_load_does_what_the_table_says(found, case):
    effect, verdict = course(OUTCOMES[case.reply], case.role, case.on_empty, may_wait=case.deferrable)
    assert found[case].slice in SLICES[effect]
    assert found[case].task in TASKS[verdict]
    if case.role is Role.LOOKBACK:
        assert found[case].task.startswith("success")


def test_the_page_is_current(found):
    assert render(found) == PAGE.read_text()
