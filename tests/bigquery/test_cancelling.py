"""Whatever ends the task reaches BigQuery, and every thread, within seconds."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from typing import Any

from airflow_provider_wxanalysis.bigquery.calls import LoadCancelledError
from tests.bigquery.conftest import CONTENTION, views
from tests.support.proxy import api_error


def running(proxy, polls):
    """Let every MERGE seem to run on for as many polls; ``polls`` is called at each."""

    def rule(exchange):
        if exchange.method == "GET" and "/queries/" in exchange.path and polls(exchange):
            return 200, {"jobComplete": False, "jobReference": {}}
        return None

    proxy.rules.append(rule)


def cancelled(destination):
    """Write in a thread; the result is whether that ended by being cancelled."""
    result: Future[Any] = Future()

    def write():
        try:
            destination.replace(views(1))
            result.set_result(False)
        except LoadCancelledError:
            result.set_result(True)
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=write, daemon=True).start()
    return result


def cancels(proxy):
    return [exchange for exchange in proxy.exchanges if exchange.path.split("?")[0].endswith("/cancel")]


def test_a_statement_that_runs(proxy, writer):
    started = threading.Event()
    running(proxy, lambda exchange: started.set() or True)
    destination = writer()
    thread = cancelled(destination)
    assert started.wait(60)
    destination.cancel()
    assert thread.result(60)
    (request,) = cancels(proxy)
    (merge,) = proxy.statements("MERGE")
    assert f"/jobs/{merge.job_id}/cancel" in request.path


def test_a_wait_for_a_busy_table(proxy, writer):
    """Its pauses are up to a minute long."""
    busy = threading.Event()
    refusal = api_error(400, "invalidQuery", CONTENTION[2])
    proxy.rules.append(lambda e: (busy.set(), refusal)[1] if e.sql.startswith("MERGE") else None)
    destination = writer()
    thread = cancelled(destination)
    assert busy.wait(60)
    destination.cancel()
    assert thread.result(60)
    assert cancels(proxy) == [], "no job of ours exists"


def test_a_submission_whose_reply_has_not_come(proxy, writer):
    """The job is there by then: it is looked up, and cancelled."""
    submitted, answer = threading.Event(), threading.Event()

    def rule(exchange):
        if exchange.sql.startswith("MERGE"):
            proxy.forward(exchange)
            submitted.set()
            answer.wait(60)
            return exchange.status, json.loads(exchange.answer)
        return None

    proxy.rules.append(rule)
    destination = writer()
    thread = cancelled(destination)
    assert submitted.wait(60)
    destination.cancel()
    assert len(cancels(proxy)) == 1
    answer.set()
    assert thread.result(60)


def test_a_job_of_another_process_is_left_alone(proxy, writer):
    writer("same").replace(views(10))
    asked = threading.Event()
    proxy.rules.append(
        lambda e: (
            (asked.set(), api_error(503, "backendError", "busy"))[1]
            if e.method == "GET" and "/jobs/" in e.path
            else None
        )
    )
    again = writer("same")
    thread = cancelled(again)
    assert asked.wait(60)
    proxy.rules.clear()
    again.cancel()
    assert thread.result(60)
    assert cancels(proxy) == []


def test_nothing_runs(proxy, writer):
    writer().cancel()
    assert cancels(proxy) == []


def test_bigquery_refuses_to_cancel(proxy, writer, caplog):
    started = threading.Event()
    running(proxy, lambda exchange: started.set() or True)
    proxy.rules.append(lambda e: api_error(503, "backendError", "busy") if "/cancel" in e.path else None)
    destination = writer()
    thread = cancelled(destination)
    assert started.wait(60)
    destination.cancel()
    assert thread.result(60)
    assert "could not be cancelled and may still finish" in caplog.text


def test_a_poll_waits_at_the_server_and_not_for_long(proxy, writer):
    """A MERGE of t seconds takes t / 4 requests, and no thread is out of reach for longer than four seconds."""
    left = [3]

    def poll(exchange):
        assert "timeoutMs=4000" in exchange.path
        left[0] -= 1
        return left[0] > 0

    running(proxy, poll)
    writer().replace(views(10))
    polls = [exchange for exchange in proxy.exchanges if "/queries/" in exchange.path]
    assert len(polls) == 3
    assert max(len(exchange.answer) for exchange in polls) < 2_000, "without the rows, which jobs.get would send back"
