"""Replies that get lost, and refusals that pass: each write is made exactly once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.api_core.exceptions import NotFound

from airflow_provider_wxanalysis.exceptions import DestinationError
from tests.bigquery.conftest import CONTENTION, posted, views
from tests.support.proxy import DROP, api_error


def twice(answer):
    """A rule for the first two MERGEs, which decides what becomes of them."""
    seen: list[Any] = []

    def rule(exchange):
        if not exchange.sql.startswith("MERGE") or len(seen) == 2:
            return None
        seen.append(exchange)
        return answer(exchange)

    return rule


def test_a_lost_reply_does_not_load_twice(proxy, writer, no_waiting, held):
    lost: list[Any] = []

    def lose_the_first(exchange):
        if exchange.sql.startswith("MERGE") and not lost:
            lost.append(exchange)
            return DROP
        return None

    proxy.rules.append(lose_the_first)
    destination = writer()
    destination.replace(views(10))
    ids = [exchange.job_id for exchange in proxy.statements("MERGE")]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert destination.load_ids == [ids[0]]
    assert held() == [10]


@pytest.mark.parametrize("message", CONTENTION)
def test_contention_is_retried_under_a_new_id(proxy, writer, no_waiting, held, message):
    def fail(exchange):  # a job that BigQuery takes and that fails
        body = exchange.body
        body["configuration"]["query"] = {"query": f"SELECT ERROR('{message}')", "useLegacySql": False}
        exchange.raw = json.dumps(body).encode()

    proxy.rules.append(twice(fail))
    writer().replace(views(10))
    assert posted(proxy) == [0, 1, 2]
    assert len(no_waiting) == 2
    assert held() == [10]


@pytest.mark.parametrize("message", CONTENTION)
def test_a_submission_that_made_no_job_uses_no_number(proxy, writer, no_waiting, held, message):
    """The sequence has no gaps: a later try would take the first one and leave those behind it free."""
    proxy.rules.append(twice(lambda exchange: api_error(400, "invalidQuery", message)))
    writer().replace(views(10))
    assert posted(proxy) == [0, 0, 0]
    assert len(no_waiting) == 2
    assert held() == [10]


def test_a_refused_submission_is_repeated_under_the_same_id(proxy, writer, no_waiting, held):
    refusals = [api_error(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations")]
    proxy.rules.append(lambda e: refusals.pop() if e.sql.startswith("MERGE") and refusals else None)
    writer().replace(views(10))
    assert posted(proxy) == [0, 0]
    assert held() == [10]


@pytest.mark.parametrize("state", ["RUNNING", None], ids=["runs still", "is done"])
def test_a_poll_that_fails_does_not_mean_that_the_job_failed(proxy, writer, no_waiting, held, state):
    """Otherwise a second MERGE would run next to the first, and both would insert."""
    answers = {"queries": [api_error(400, "invalidQuery", CONTENTION[0])], "jobs": []}

    def rule(exchange):
        kind = exchange.path.split("?")[0].split("/")[-2]
        if exchange.sql.startswith("MERGE"):
            proxy.forward(exchange)
            resource = json.loads(exchange.answer)
            if exchange.status == 200 and state:
                resource["status"] = {"state": state}
                answers["jobs"].append((200, resource))
            return exchange.status, resource
        return answers[kind].pop() if exchange.method == "GET" and answers.get(kind) else None

    proxy.rules.append(rule)
    writer().replace(views(10))
    assert posted(proxy) == [0]
    assert not any(answers.values())
    assert held() == [10]


def unknown_job(times):
    """A rule: the reply to the MERGE is lost, and BigQuery, asked for the job, does not know it for a while."""
    left = {"POST": 1, "GET": times}

    def rule(exchange):
        ours = exchange.sql.startswith("MERGE") if exchange.method == "POST" else "/jobs/" in exchange.path
        if not ours or not left.get(exchange.method):
            return None
        left[exchange.method] -= 1
        return DROP if exchange.method == "POST" else api_error(404, "notFound", "Not found: Job p:US.j")

    return rule


def test_a_job_that_is_unknown_for_a_moment_is_asked_for_again(proxy, writer, no_waiting, held):
    proxy.rules.append(unknown_job(times=3))
    writer().replace(views(10))
    assert set(posted(proxy)) == {0}
    assert held() == [10]


def test_a_job_that_stays_unknown_is_left_to_a_retry(proxy, writer, no_waiting):
    proxy.rules.append(unknown_job(times=1000))
    with pytest.raises(NotFound):  # not DestinationError, which would end the task for good
        writer().replace(views(10))


def test_a_job_of_another_account_is_explained(proxy, writer):
    writer().replace(views(10))
    forbidden = api_error(403, "accessDenied", "Access Denied: Job p:US.j: lacks bigquery.jobs.get")
    proxy.rules.append(lambda e: forbidden if e.method == "GET" and "/jobs/" in e.path else None)
    with pytest.raises(DestinationError, match="another service account, from here or another Airflow") as caught:
        writer().replace(views(11))
    assert not caught.value.retryable
