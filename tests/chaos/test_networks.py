"""Requests to BigQuery and their replies get lost, come late or twice."""

from __future__ import annotations

import random
from contextlib import ExitStack

import pytest

from tests.chaos.ambush import Ambush, Moment
from tests.chaos.conftest import days, make_table, tables
from tests.chaos.networks import TIMEOUT, Network, forget_request_id
from tests.chaos.workers import PATIENCE, Worker, work
from tests.conftest import APPS
from tests.support.proxy import Proxy

FAULTS = tuple(Network(Proxy("")).faults)


@pytest.mark.parametrize(
    "call",
    ["merge", *(pytest.param(call, marks=pytest.mark.chaos) for call in ("table", "create", "wait", "job", "verify"))],
)
def test_one_fault_is_no_failure(route, load, truth, bq, dataset, figures, call):
    """Any fault of any call: the same try ends well, with one job for its one statement. Each has an app of its own."""
    cases = {f"wx{number:016}": fault for number, fault in enumerate(FAULTS)}
    truth.watch(cases, days(1, 2))
    running = {}
    with ExitStack() as stack:
        for app, fault in cases.items():
            through, table = stack.enter_context(route()), f"{dataset}.{app}"
            network = Network(through.bigquery)
            stack.callback(network.settle)
            through.bigquery.rules.append(network.once(fault, call))
            if call == "job":  # asked for only when it is not clear what became of a submission
                through.bigquery.rules.insert(0, network.once("reply lost", "merge"))
            if call != "create":
                make_table(bq, table)
            worker = Worker(load(table, 1, 2, app=app, route=through, chunk_bytes=None, timeout=TIMEOUT))
            running[app] = worker, through, network
            if call == "create":  # local-bigquery cannot make tables side by side
                worker.wait(PATIENCE)
        for app, (worker, through, network) in running.items():
            outcome = worker.outcome()
            assert outcome.status == "done", (cases[app], outcome)
            network.settle()
            assert network.done == (2 if call == "job" else 1), cases[app]
            assert len({exchange.job_id for exchange in through.bigquery.statements("MERGE")}) == 1, cases[app]
            truth.check(f"{dataset}.{app}", [(app, day) for day in days(1, 2)])
    figures(faults=len(cases))


@pytest.mark.parametrize(("of", "number"), [("merge", 1), ("merge", 2)])
def test_a_request_of_an_earlier_try_arrives_late(route, load, truth, dataset, of, number):
    """A worker dies, its request is under way; the next try loads other figures; then the request arrives."""
    table = f"{dataset}.pages"
    with route() as through:
        ambush = Ambush(number, Moment.BEFORE, of)
        assert ambush.spring(load(table, 1, 2, route=through), *through).status == "killed"
        assert work(load(table, 1, 2, try_number=2)).status == "done"
        before = truth.held(table)
        through.bigquery.forward(ambush.caught)
    assert ambush.caught
    assert ambush.caught.status == 409
    assert truth.held(table) == before
    truth.check(table, [(APPS[0], day) for day in days(1, 2)])


def test_it_arrives_after_a_try_that_had_nothing_to_write(route, load, truth, wechat_server, bq, dataset):
    """A try that writes nothing takes no number: then the late request still runs, whole, and the next load follows."""
    table = f"{dataset}.pages"
    with route() as through:
        ambush = Ambush(1, Moment.BEFORE, "merge")
        assert ambush.spring(load(table, 1, 2, route=through), *through).status == "killed"
        for day in days(1, 2):
            wechat_server.override(
                "visit_page", APPS[0], day.begin_date, {"ref_date": f"{day.begin_date:%Y%m%d}", "list": []}
            )
        again = work(load(table, 1, 2, try_number=2, arguments={"on_empty": "skip"}))
        assert "every period was empty" in str(again.value)
        assert truth.held(table) == {}
        through.bigquery.forward(ambush.caught)
    assert ambush.caught
    assert ambush.caught.status == 200
    truth.watch([APPS[0]], days(1, 2))
    assert work(load(table, 1, 2, try_number=3)).status == "done"
    truth.check(table, [(APPS[0], day) for day in days(1, 2)])


def test_a_request_of_the_second_try_arrives_after_the_third(route, load, truth, dataset):
    """The second try dies at the first number that the first has left free; the third takes that number."""
    table = f"{dataset}.pages"
    with route() as through:
        assert Ambush(2, Moment.DURING, "merge").spring(load(table, 1, 2, route=through), *through).status == "killed"
        ambush = Ambush(2, Moment.BEFORE, "merge")  # its first finds number 0 taken
        assert ambush.spring(load(table, 1, 2, route=through, try_number=2), *through).status == "killed"
        assert work(load(table, 1, 2, try_number=3)).status == "done"
        before = truth.held(table)
        through.bigquery.forward(ambush.caught)
    assert ambush.caught
    assert ambush.caught.status == 409
    assert truth.held(table) == before
    truth.check(table, [(APPS[0], day) for day in days(1, 2)])


@pytest.mark.parametrize("loads", [2, pytest.param(50, marks=pytest.mark.chaos)])
def test_a_network_that_is_bad_all_the_time(route, load, truth, bq, dataset, figures, loads):
    """One request in five suffers; one worker in three is killed while its requests are under way."""
    dice, kills, tries = random.Random(loads), 0, 0
    with route() as through:
        network = Network(through.bigquery)

        def rule(exchange):
            forget_request_id(exchange)
            return network.strike(dice.choice(FAULTS), exchange) if dice.random() < 0.2 else None

        for number in range(loads):
            table = f"{dataset}.pages{number // 10}"
            for try_number in range(1, 20):
                through.bigquery.rules[:] = [rule]
                options = {"run_id": f"run{number}", "try_number": try_number, "timeout": TIMEOUT}
                worker = Worker(load(table, 1, 2, route=through, **options))
                if dice.random() < 0.33:
                    worker.wait(dice.uniform(0.2, 4))
                    worker.kill()
                outcome = worker.outcome()
                tries += 1
                kills += outcome.status == "killed"
                assert outcome.status != "fatal", outcome
                if outcome.status == "done":
                    break
            assert outcome.status == "done", outcome
            truth.check(table, [(APPS[0], day) for day in days(1, 2)])
            through.bigquery.rules.clear()
            network.settle()
            truth.check(table, [(APPS[0], day) for day in days(1, 2)])
        assert tables(bq, dataset) == {f"{dataset}.pages{number}" for number in range(-(-loads // 10))}
    figures(faults=network.done, kills=kills, loads=loads, tries=tries)
