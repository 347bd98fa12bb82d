"""What became of a period, and what follows from it."""

from __future__ import annotations

import datetime as dt
import itertools
from types import SimpleNamespace

import pytest

from airflow_provider_wxanalysis.exceptions import TransportError
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.tasks.outcomes import ON_EMPTY, Effect, Outcome, Role, Verdict, classify, course
from airflow_provider_wxanalysis.wechat.errcodes import api_error

DAY = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 1))
READY_AFTER = dt.timedelta(hours=15)
BEFORE, AFTER = DAY.closes_at.add(hours=15, microseconds=-1), DAY.closes_at.add(hours=15)


def reply(rows=None, error=None, empty_parts=()):
    return SimpleNamespace(period=DAY, rows=rows, error=error, empty_parts=empty_parts)


def refusal(errcode):
    return api_error({"errcode": errcode, "errmsg": ""}, "daily_summary")


@pytest.mark.parametrize(
    ("answer", "before", "after"),
    [
        (reply(rows=[{}]), Outcome.ROWS, Outcome.ROWS),
        (reply(rows=[]), Outcome.NOT_YET, Outcome.EMPTY),
        (reply(rows=[{}], empty_parts=("module 10022",)), Outcome.NOT_YET, Outcome.ROWS),
        (reply(rows=[], empty_parts=("module 10022",)), Outcome.NOT_YET, Outcome.EMPTY),
        (reply(error=refusal(61503)), Outcome.NOT_YET, Outcome.NOT_YET),
        (reply(error=refusal(61501)), Outcome.REFUSED, Outcome.REFUSED),
        (reply(error=refusal(45009)), Outcome.REFUSED, Outcome.REFUSED),
        (reply(error=TransportError("reset")), Outcome.REFUSED, Outcome.REFUSED),
    ],
)
def test_classify(answer, before, after):
    assert classify(answer, BEFORE, READY_AFTER) is before
    assert classify(answer, AFTER, READY_AFTER) is after


@pytest.mark.parametrize(("role", "on_empty", "may_wait"), list(itertools.product(Role, ON_EMPTY, [False, True])))
class TestCourse:
    def test_rows_are_always_written(self, role, on_empty, may_wait):
        assert course(Outcome.ROWS, role, on_empty, may_wait=may_wait) == (Effect.WRITE, Verdict.FINE)

    def test_not_yet_comes_before_on_empty(self, role, on_empty, may_wait):
        verdict = Verdict.WARN if role is Role.LOOKBACK else Verdict.WAIT if may_wait else Verdict.FAIL
        assert course(Outcome.NOT_YET, role, on_empty, may_wait=may_wait) == (Effect.KEEP, verdict)

    def test_a_refusal_is_an_error_of_the_due_ones_alone(self, role, on_empty, may_wait):
        verdict = Verdict.FAIL if role is Role.DUE else Verdict.WARN
        assert course(Outcome.REFUSED, role, on_empty, may_wait=may_wait) == (Effect.KEEP, verdict)

    def test_empty(self, role, on_empty, may_wait):
        effect = Effect.CLEAR if on_empty == "replace" else Effect.KEEP
        due = {"fail": Verdict.SETTLE, "skip": Verdict.SKIP, "replace": Verdict.RECORD}
        verdict = due[on_empty] if role is Role.DUE else Verdict.FINE
        assert course(Outcome.EMPTY, role, on_empty, may_wait=may_wait) == (effect, verdict)
