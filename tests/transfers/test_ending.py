"""A load that is told to end while BigQuery answers a question does not wait for the answer.

Airflow 3.3 calls ``on_kill`` in the main thread, which is busy with that very question, and raises nothing there.
"""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from google.api_core.exceptions import BadRequest

from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError
from tests.conftest import APPS
from tests.transfers.conftest import interval, latest, open_clients

EMPTY: dict[str, list[object]] = {"list": []}


def without_visitors(reply):
    return {**reply, "visit_uv": [{**entry, "value": 0} for entry in reply["visit_uv"]]}


@pytest.mark.parametrize(
    ("endpoint", "reply", "try_number", "lookback", "asked"),
    [
        ("daily_retain", None, 1, None, "SELECT appid"),
        ("daily_retain", without_visitors, 1, 0, "HAVING SUM(users)"),
        ("daily_summary", None, 2, 0, "SELECT appid"),
        ("daily_summary", EMPTY, 1, 0, "SELECT appid"),
        ("daily_summary", EMPTY, 1, 0, "INSERT INTO"),
    ],
    ids=["what has grown", "what had users", "what is there", "what is empty", "recording what is empty"],
)
def test_it_ends_before_the_answer(transfer, proxy, wechat_server, endpoint, reply, try_number, lookback, asked):
    begun, answer, answered = threading.Event(), threading.Event(), threading.Event()

    def rule(exchange):
        if asked in exchange.sql:
            begun.set()
            answer.wait(60)
            answered.set()

    proxy.rules.append(rule)
    day = latest(endpoint)
    if reply:
        wechat_server.override(endpoint, APPS[0], day.begin_date, reply)
    task = transfer(endpoint, lookback=lookback, retries=2, empty_is_ready_after=dt.timedelta(0))
    context = interval(day, task_id=task.task_id)
    context["ti"].try_number, context["ti"].max_tries = try_number, 2
    context["dag_run"].start_date = dt.datetime.now(dt.UTC)
    killer = threading.Thread(target=lambda: begun.wait(60) and task.on_kill(), daemon=True)
    killer.start()
    try:
        with pytest.raises(FetchCancelledError):
            task.execute(context)
        assert not answered.is_set()
        assert not open_clients(task)
    finally:
        answer.set()
    killer.join()
    assert begun.is_set()
    if asked == "SELECT appid" and reply is EMPTY:
        assert proxy.statements("INSERT") == []


def test_an_error_between_due_and_earlier_periods_leaves_nothing_open(transfer, proxy, wechat_server):
    broken = {"error": {"code": 400, "message": "broken", "errors": [{"reason": "invalidQuery", "message": "broken"}]}}
    proxy.rules.append(lambda exchange: (400, broken) if "SELECT appid" in exchange.sql else None)
    task = transfer("daily_retain", lookback=None)
    with pytest.raises(BadRequest, match="broken"):
        task.execute(interval(latest("daily_retain"), task_id=task.task_id))
    assert wechat_server.count("daily_retain") == 1
    assert not open_clients(task)
