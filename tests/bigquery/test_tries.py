"""Job ids as a sequence: nothing is written twice, late or by a try that another one has replaced."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_provider_wxanalysis.exceptions import DestinationError, SupersededError
from tests.bigquery.conftest import posted, views
from tests.support.proxy import api_error

HOUR = dt.timedelta(hours=1)


def looks(proxy):
    """How often BigQuery was asked for a job."""
    return sum(exchange.method == "GET" and "/jobs/" in exchange.path for exchange in proxy.exchanges)


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
