"""Job ids as a sequence: nothing is written twice, late or by a try that another one has replaced."""

from __future__ import annotations

import datetime as dt
import json
import threading
from concurrent.futures import Future
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, NotFound

from airflow_provider_wxanalysis.bigquery.calls import LoadCancelledError
from airflow_provider_wxanalysis.exceptions import DestinationError, SupersededError
from tests.bigquery.conftest import chunk_of, day, page_rows
from tests.support.proxy import DROP, api_error

HOUR = dt.timedelta(hours=1)
CONTENTION = [
    "Could not serialize access to table p:d.t due to concurrent update",
    "Transaction is aborted due to concurrent update against table p:d.t",
    "Too many DML statements outstanding against table p:d.t, limit is 20.",
    "Job exceeded rate limits: Your table exceeded quota for table update operations",
]


def views(number, *numbers):
    """A chunk: what the app has of a day, one page per number of views."""
    return chunk_of({day(1): page_rows(day(1), number, *numbers)})


@pytest.fixture
def held(dataset, read):
    """The views that the table holds."""
    return lambda: sorted(row["page_visit_pv"] for row in read(f"{dataset}.visit_page"))


def posted(proxy):
    """The numbers under which jobs were submitted, in order."""
    posts = [exchange for exchange in proxy.exchanges if exchange.method == "POST" and exchange.job_id]
    return [int(exchange.job_id.rsplit("_n")[1]) for exchange in posts]


def looks(proxy):
    """How often BigQuery was asked for a job."""
    return sum(exchange.method == "GET" and "/jobs/" in exchange.path for exchange in proxy.exchanges)


def twice(answer):
    """A rule for the first two MERGEs, which decides what becomes of them."""
    seen: list[Any] = []

    def rule(exchange):
        if not exchange.sql.startswith("MERGE") or len(seen) == 2:
            return None
        seen.append(exchange)
        return answer(exchange)

    return rule


class TestTries:
    """Tries of one task instance share a sequence of job ids."""

    def test_two_equal_runs_load_what_is_new(self, writer, held):
        """A like-named run has used the first id: its job is waited for, and the next free id is taken."""
        writer("same").replace(views(10))
        again = writer("same")
        again.replace(views(11))
        assert held() == [11]
        assert again.load_ids[0].endswith("_n1")

    def test_a_later_try_takes_over(self, writer, held):
        first, second = writer(try_number=1), writer(try_number=2)
        first.replace(views(10))
        second.replace(views(11))
        with pytest.raises(SupersededError, match="later try of this task began to write at .* this one stops"):
            first.replace(views(12))
        assert held() == [11]
        writer(try_number=3).replace(views(13))
        assert held() == [13]

    def test_a_try_that_wakes_up_late_stops_before_its_first_write(self, writer, held):
        first = writer(try_number=1)
        for number in (11, 12, 13):
            writer(try_number=2).replace(views(number))
        with pytest.raises(SupersededError):
            first.replace(views(10))
        assert held() == [13]

    @pytest.mark.parametrize("tries", [2, 3])
    def test_a_request_that_arrives_late_is_refused(self, proxy, writer, held, tries):
        """The first try's request is held up on the way; the later try's load stands."""
        late: list[Any] = []
        proxy.rules.append(
            lambda exchange: (
                (late.append(exchange), api_error(403, "accessDenied", "held up"))[1]
                if exchange.sql.startswith("MERGE") and not late
                else None
            )
        )
        with pytest.raises(DestinationError):
            writer(try_number=1).replace(views(10))
        writer(try_number=tries).replace(views(11))
        proxy.forward(late[0])
        assert late[0].status == 409
        assert held() == [11]

    def test_a_late_request_that_comes_first_is_waited_for(self, proxy, writer, held):
        """It runs; then the later try replaces what it wrote."""
        late: list[Any] = []

        def rule(exchange):
            if exchange.sql.startswith("MERGE") and not late:
                late.append(exchange)
                return api_error(403, "accessDenied", "held up")
            if exchange.sql.startswith("MERGE") and len(late) == 1:
                late.append(exchange)
                proxy.forward(late[0])
                assert late[0].status == 200
            return None

        proxy.rules.append(rule)
        with pytest.raises(DestinationError):
            writer(try_number=1).replace(views(10))
        writer(try_number=2).replace(views(11))
        assert held() == [11]

    def test_the_same_try_in_another_process_goes_on(self, writer, held):
        """A task that was deferred is the same try in a new process."""
        started_at = dt.datetime.now(dt.UTC)
        writer(started_at=started_at).replace(views(10))
        writer(started_at=started_at).replace(views(11))
        assert held() == [11]

    def test_a_run_deleted_and_made_again_is_not_stopped_by_the_old_one(self, writer, held):
        for try_number in (1, 2, 3):
            writer(try_number=try_number).replace(views(try_number))
        again = writer(try_number=1)  # it starts now, after all that
        again.replace(views(10))
        again.replace(views(11))
        assert held() == [11]

    def test_a_clock_that_is_behind_costs_one_try(self, writer, held):
        writer(try_number=2).replace(views(10))
        behind = dt.datetime.now(dt.UTC) - HOUR
        with pytest.raises(SupersededError) as caught:
            writer(try_number=1, started_at=behind).replace(views(11))
        assert caught.value.retryable
        writer(try_number=2, started_at=behind).replace(views(12))
        assert held() == [12]

    def test_deployments_do_not_meet(self, proxy, writer, held):
        writer(deployment="https://one.example", try_number=2).replace(views(10))
        writer(deployment="https://two.example", started_at=dt.datetime.now(dt.UTC) - HOUR).replace(views(11))
        assert posted(proxy) == [0, 0]
        assert held() == [11]


class TestCosts:
    """What it costs that there may have been earlier tries."""

    @pytest.mark.parametrize("try_number", [1, 50])
    def test_nothing_where_no_earlier_try_has_written(self, proxy, writer, try_number):
        writer(try_number=try_number).replace(views(10))
        assert posted(proxy) == [0]
        assert looks(proxy) == 0

    @pytest.mark.parametrize(("earlier", "requests"), [(1, 2), (4, 6), (9, 8)])
    def test_two_looks_for_every_doubling_of_their_jobs(self, proxy, writer, earlier, requests):
        for number in range(earlier):
            writer(try_number=number + 1).replace(views(number))
        proxy.exchanges.clear()
        last = writer(try_number=earlier + 1)
        last.replace(views(10))
        last.replace(views(11))
        assert posted(proxy) == [0, earlier, earlier + 1], "one collision, then its own numbers"
        assert looks(proxy) <= requests

    def test_opening_submits_nothing(self, proxy, writer):
        writer(try_number=5)
        assert not [exchange for exchange in proxy.exchanges if exchange.job_id or "/jobs" in exchange.path]


class TestLostAndRefused:
    """Replies that get lost, and refusals that pass."""

    def test_a_lost_reply_is_no_second_load(self, proxy, writer, no_waiting, held):
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
    def test_contention_is_waited_out_under_a_new_id(self, proxy, writer, no_waiting, held, message):
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
    def test_a_submission_that_made_no_job_uses_no_number(self, proxy, writer, no_waiting, held, message):
        """The sequence has no gaps: else a later try would take the first one, and leave the way free behind it."""
        proxy.rules.append(twice(lambda exchange: api_error(400, "invalidQuery", message)))
        writer().replace(views(10))
        assert posted(proxy) == [0, 0, 0]
        assert len(no_waiting) == 2
        assert held() == [10]

    def test_a_refused_submission_is_repeated_under_the_same_id(self, proxy, writer, no_waiting, held):
        refusals = [api_error(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations")]
        proxy.rules.append(lambda e: refusals.pop() if e.sql.startswith("MERGE") and refusals else None)
        writer().replace(views(10))
        assert posted(proxy) == [0, 0]
        assert held() == [10]

    @pytest.mark.parametrize("state", ["RUNNING", None], ids=["runs still", "is done"])
    def test_a_question_that_fails_is_no_job_that_failed(self, proxy, writer, no_waiting, held, state):
        """Or a second MERGE would run next to the first, and both would insert."""
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

    def unknown_job(self, times):
        """A rule: the reply to the MERGE is lost, and BigQuery, asked for the job, does not know it for a while."""
        left = {"POST": 1, "GET": times}

        def rule(exchange):
            ours = exchange.sql.startswith("MERGE") if exchange.method == "POST" else "/jobs/" in exchange.path
            if not ours or not left.get(exchange.method):
                return None
            left[exchange.method] -= 1
            return DROP if exchange.method == "POST" else api_error(404, "notFound", "Not found: Job p:US.j")

        return rule

    def test_a_job_unknown_for_a_moment_is_no_reason_to_give_up(self, proxy, writer, no_waiting, held):
        proxy.rules.append(self.unknown_job(times=3))
        writer().replace(views(10))
        assert set(posted(proxy)) == {0}
        assert held() == [10]

    def test_a_job_that_stays_unknown_is_left_to_a_retry(self, proxy, writer, no_waiting):
        proxy.rules.append(self.unknown_job(times=1000))
        with pytest.raises(NotFound):  # and no DestinationError, which would end the task for good
            writer().replace(views(10))

    def test_a_job_of_another_account_is_explained(self, proxy, writer):
        writer().replace(views(10))
        forbidden = api_error(403, "accessDenied", "Access Denied: Job p:US.j: lacks bigquery.jobs.get")
        proxy.rules.append(lambda e: forbidden if e.method == "GET" and "/jobs/" in e.path else None)
        with pytest.raises(DestinationError, match="another service account, from here or another Airflow") as caught:
            writer().replace(views(11))
        assert not caught.value.retryable


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


class TestCancelling:
    """Whatever ends the task reaches BigQuery, and every thread, within seconds."""

    def cancels(self, proxy):
        return [exchange for exchange in proxy.exchanges if exchange.path.split("?")[0].endswith("/cancel")]

    def test_a_statement_that_runs(self, proxy, writer):
        started = threading.Event()
        running(proxy, lambda exchange: started.set() or True)
        destination = writer()
        thread = cancelled(destination)
        assert started.wait(60)
        destination.cancel()
        assert thread.result(60)
        (request,) = self.cancels(proxy)
        (merge,) = proxy.statements("MERGE")
        assert f"/jobs/{merge.job_id}/cancel" in request.path

    def test_a_wait_for_a_busy_table(self, proxy, writer):
        """Its pauses are up to a minute long."""
        busy = threading.Event()
        refusal = api_error(400, "invalidQuery", CONTENTION[2])
        proxy.rules.append(lambda e: (busy.set(), refusal)[1] if e.sql.startswith("MERGE") else None)
        destination = writer()
        thread = cancelled(destination)
        assert busy.wait(60)
        destination.cancel()
        assert thread.result(60)
        assert self.cancels(proxy) == [], "no job of ours exists"

    def test_a_submission_whose_reply_has_not_come(self, proxy, writer):
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
        assert len(self.cancels(proxy)) == 1
        answer.set()
        assert thread.result(60)

    def test_another_process_s_job_is_left_alone(self, proxy, writer):
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
        assert self.cancels(proxy) == []

    def test_nothing_runs(self, proxy, writer):
        writer().cancel()
        assert self.cancels(proxy) == []

    def test_bigquery_refuses_to_cancel(self, proxy, writer, caplog):
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
    """So a MERGE of t seconds costs t / 4 requests, and a thread is never deaf for longer than four."""
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


def test_jobs_run_where_the_dataset_is_and_carry_labels(proxy, writer):
    destination = writer("run", task_id="Load 访问.pages")
    proxy.rules.append(lambda e: api_error(400, "stop", "seen enough") if e.sql.startswith("MERGE") else None)
    with pytest.raises(BadRequest):
        destination.replace(views(10))
    (merge,) = proxy.statements("MERGE")
    assert merge.body["jobReference"]["location"] == "US"
    labels = merge.body["configuration"]["labels"]
    assert len(labels.pop("weanalysis_attempt")) == 16
    assert labels.pop("airflow-dag") == destination.identity.dag_id.lower().replace(".", "_")
    assert labels == {"airflow-task": "load_访问_pages", "weanalysis_endpoint": "visit_page", "weanalysis_try": "1"}
