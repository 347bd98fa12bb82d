"""When a failed task is tried again, by what went wrong."""

from __future__ import annotations

import datetime as dt

import pendulum
import pytest
from airflow.providers.common.compat.sdk import RetryAction
from airflow.providers.standard.operators.empty import EmptyOperator

from airflow_provider_wxanalysis.exceptions import (
    EmptyReportError,
    Failure,
    LoadError,
    PayloadError,
    TransportError,
)
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.retry_policy import WeAnalysisRetryPolicy
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.wechat.errcodes import api_error

# Airflow and what it is made of warn about each other.
pytestmark = pytest.mark.filterwarnings("ignore", "error:::airflow_provider_wxanalysis")

EVENING = pendulum.datetime(2026, 3, 1, 21, 30, tz=SHANGHAI)
DEFAULT, FAIL, RETRY = RetryAction.DEFAULT, RetryAction.FAIL, RetryAction.RETRY


def error(errcode):
    return api_error({"errcode": errcode, "errmsg": "no"}, "visit_page")


def load_error(*errcodes):
    return LoadError("several", [Failure("wx1", None, error(errcode)) for errcode in errcodes])


@pytest.mark.parametrize(
    ("exception", "action", "delay"),
    [
        (error(61503), RETRY, dt.timedelta(minutes=30)),
        (EmptyReportError("empty", retryable=True), RETRY, dt.timedelta(minutes=30)),
        (EmptyReportError("empty", retryable=False), FAIL, None),
        (error(45011), RETRY, dt.timedelta(minutes=2)),
        (error(45009), RETRY, dt.timedelta(hours=2, minutes=35)),
        (error(40125), FAIL, None),
        (error(48001), FAIL, None),
        (error(61501), FAIL, None),
        (PayloadError("odd"), FAIL, None),
        (error(-1), DEFAULT, None),
        (error(40001), DEFAULT, None),
        (TransportError("reset"), DEFAULT, None),
        (ValueError("another's"), DEFAULT, None),
        (load_error(40125, 48001), FAIL, None),
        (load_error(40125, 45009), RETRY, dt.timedelta(hours=2, minutes=35)),
        (load_error(45009, 61503, 40125), RETRY, dt.timedelta(minutes=30)),
        (load_error(45009, 61503, 45011), RETRY, dt.timedelta(minutes=2)),
        (load_error(45009, 61503, -1), DEFAULT, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_decision(monkeypatch, exception, action, delay):
    monkeypatch.setattr(pendulum, "now", lambda tz=None: EVENING.in_timezone(tz))
    decision = WeAnalysisRetryPolicy().evaluate(exception, 1, 3)
    assert (decision.action, decision.retry_delay) == (action, delay)


@pytest.mark.parametrize(("retry_delay", "action"), [(1, DEFAULT), (60, RETRY)])
def test_the_soonest_counts_the_task_s_own_delay(retry_delay, action):
    task = EmptyOperator(task_id="t", retry_delay=dt.timedelta(minutes=retry_delay))
    decision = WeAnalysisRetryPolicy().evaluate(load_error(45011, -1), 1, 3, {"task": task})
    assert decision.action == action


def test_serialization():
    kept = WeAnalysisRetryPolicy().serialize()
    assert isinstance(WeAnalysisRetryPolicy.deserialize(kept), WeAnalysisRetryPolicy)


def test_airflow_follows_it(run_dag, dag_file, wechat_server, logged):
    wechat_server.faults.add(faults.errcode(61503))
    path = dag_file(
        "policy",
        """
        from airflow_provider_wxanalysis import retry_policy
        retry_policy.NOT_READY_DELAY = pendulum.duration(seconds=1)
        WeAnalysisDailySummaryOperator(
            task_id="fetch", retries=1, retry_delay=2, retry_policy=retry_policy.WeAnalysisRetryPolicy()
        )
        """,
    )
    assert run_dag(path) == {("fetch", -1): "success"}
    assert "DataNotReadyError: WeChat has not published yet" in logged()
