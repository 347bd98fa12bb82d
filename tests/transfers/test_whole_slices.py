"""A fault in the middle of a load leaves every slice old or new, never mixed. All faults: tests/faults."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.testing import faults
from tests.conftest import APPS
from tests.faults.matrix import CASES
from tests.transfers.conftest import latest

ZEROTH, FIRST, SECOND = (latest("visit_page", back=number) for number in (3, 1, 0))
FAULTS = ("connection reset", "closed mid-body", "HTTP 500", "wrong ref_date", "errcode 61503", "errcode 48001")


def on_the_second_day(fault):
    def apply(answer, question):
        return fault.apply(answer, question) if question and question.begin == SECOND.begin_date else answer

    return replace(fault, apply=apply)


def last_row_broken(answer, question):
    *pages, last = answer.reply["list"]
    return replace(answer, reply={**answer.reply, "list": [*pages, {**last, "page_visit_pv": "many"}]})


@pytest.fixture
def wechat_server_options():
    return {"published_at": dt.time(0), "pages": 5}


@pytest.fixture
def two_days(load, wechat_server, pauses):
    """Both days are in the table, and WeChat has other figures for both of them now."""
    load("visit_page", FIRST, SECOND)
    for day in (FIRST, SECOND):
        wechat_server.override("visit_page", APPS[0], day.begin_date, lambda r: {**r, "list": r["list"][:3]})


@pytest.fixture
def held(dataset, read):
    """The table's rows by day."""

    def find():
        rows = read(f"{dataset}.visit_page")
        return {day: [row for row in rows if row["begin_date"] == str(day)] for day in (ZEROTH, FIRST, SECOND)}

    return find


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize("name", [*FAULTS, "last row broken"])
def test_a_day_is_new_or_as_it_was(load, wechat_server, held, name):
    fault = CASES[name].fault if name in CASES else faults.Fault(name, last_row_broken, good_only=True)
    before = held()
    wechat_server.faults.add(on_the_second_day(fault), times=None)
    with pytest.raises((WeAnalysisError, AirflowFailException), match=str(SECOND)):
        load("visit_page", FIRST, SECOND)
    after = held()
    assert after[SECOND] == before[SECOND]
    if name != "errcode 48001":  # after which the app is asked no more
        assert len(after[FIRST]) == 3, "what has come is loaded"


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize("name", ["connection reset", "HTML", "errcode 45011", "errcode 42001"])
def test_a_passing_fault_changes_nothing(load, wechat_server, held, name):
    wechat_server.faults.add(CASES[name].fault)
    load("visit_page", FIRST, SECOND)
    assert {day: len(rows) for day, rows in held().items()} == {ZEROTH: 0, FIRST: 3, SECOND: 3}
