"""Eight workers load overlapping slices into one table at once."""

from __future__ import annotations

import threading
import time

import pytest

from tests.chaos.ambush import kind
from tests.chaos.conftest import days, make_table, tables
from tests.chaos.workers import Loads, Worker, work
from tests.conftest import APPS

WORKERS = 8
#: Whose slices each worker loads: one app's, the other's, or both in one statement.
APPS_OF = (APPS[0],) * 3 + (APPS,) * 2 + (APPS[1],) * 3


def race(loads_of):
    """Let workers do their loads at the same time; return how many tries failed and were made again."""
    start_at = time.time() + 1
    workers = [Worker(Loads(tuple(loads_of(number)), start_at)) for number in range(WORKERS)]
    outcomes = [worker.outcome() for worker in workers]
    assert {outcome.status for outcome in outcomes} == {"done"}, outcomes
    return sum(outcome.value for outcome in outcomes)


@pytest.mark.parametrize("times", [1, pytest.param(12, marks=pytest.mark.chaos)])
def test_overlapping_slices(load, truth, bq, dataset, figures, times):
    """Same slices, another app's, both apps', overlapping ranges and lookbacks, one statement and several."""
    table = f"{dataset}.pages"
    make_table(bq, table)

    def loads_of(number):
        shift = number % 3
        for time_ in range(times):
            yield load(
                table, 3 + shift, 4 + shift, app=APPS_OF[number], run_id=f"worker{number}-{time_}",
                chunk_bytes=21_000 if number % 2 else None, arguments={"lookback": shift},
            )  # fmt: skip

    retries = race(loads_of)
    slices = [(app, day) for app in APPS for day in days(3, 6)]
    assert set(truth.held(table)) == {(app, str(day)) for app, day in slices}
    truth.check(table, slices, latest=False)
    for app in APPS:
        assert work(load(table, 3, 6, app=app, chunk_bytes=None)).status == "done"
    truth.check(table, slices)
    assert tables(bq, dataset) == {table}
    figures(loads=WORKERS * times, retries=retries)


def first_loads(route, load, table):
    """Let all workers load the same slices for the first time; return how many MERGEs they needed.

    BigQuery runs MERGEs that delete nothing side by side. local-bigquery does not, so here the first of each worker
    is made to delete nothing, and no one looks at the outcome before all have inserted.
    """
    inserted = threading.Barrier(WORKERS, timeout=120)

    def rule(exchange):
        if kind(exchange) == "merge" and exchange.job_id.endswith("_n0"):
            exchange.raw = exchange.raw.replace(b"BY SOURCE AND", b"BY SOURCE AND FALSE AND")
            assert b"FALSE AND" in exchange.raw
        if kind(exchange) == "verify" and not gone.is_set():
            inserted.wait()
            gone.set()

    gone = threading.Event()
    with route() as through:
        through.bigquery.rules.append(rule)
        race(lambda number: [load(table, 1, 2, route=through, run_id=f"worker{number}", chunk_bytes=None)])
        return len(through.bigquery.statements("MERGE"))


@pytest.mark.parametrize("times", [1, pytest.param(12, marks=pytest.mark.chaos)])
def test_first_loads_at_the_same_moment(route, load, truth, bq, dataset, figures, times):
    """The slices hold eight loads, and end up with one."""
    slices = [(APPS[0], day) for day in days(1, 2)]
    heals = 0
    for number in range(times):
        table = f"{dataset}.pages{number}"
        make_table(bq, table)
        merges = first_loads(route, load, table)
        assert merges > WORKERS, "one of them had to merge again"
        heals += merges - WORKERS
        assert set(truth.held(table)) == {(app, str(day)) for app, day in slices}
        truth.check(table, slices, latest=False)
    figures(races=times, loads=WORKERS * times, heals=heals)
