"""Workers are killed, at every boundary and anywhere; the next try makes the table right."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import replace

import pytest

from tests.chaos.ambush import Ambush, Moment
from tests.chaos.conftest import days, tables
from tests.chaos.workers import Worker, work
from tests.conftest import APPS

DAYS = (1, 2)  # two days in two statements
SLICES = [(APPS[0], day) for day in days(*DAYS)]
BYSTANDERS = [(APPS[1], day) for day in days(*DAYS)] + [(APPS[0], day) for day in days(3, 3)]

#: local-bigquery, when a table is made twice at once; Airflow would try again.
REFUSAL = "Failed to commit DuckLake transaction"
_NAMES = {(app, str(day)) for app, day in SLICES}

BOUNDARIES = [
    ("create", 1, Moment.AFTER),
    ("token", 1, Moment.AFTER),
    ("data", 2, Moment.BEFORE),
    ("merge", 1, Moment.BEFORE),
    ("merge", 1, Moment.DURING),
    ("merge", 1, Moment.AFTER),
    ("verify", 1, Moment.BEFORE),
    ("merge", 2, Moment.DURING),
    ("verify", 2, Moment.AFTER),
]
TAKING_OVER = [("merge", 1, Moment.DURING), ("job", 1, Moment.BEFORE), ("job", 2, Moment.BEFORE)]


def named(value):
    return value.name.lower() if isinstance(value, Moment) else str(value)


@pytest.mark.parametrize(("of", "number", "moment"), BOUNDARIES, ids=named)
def test_killed_at_a_boundary(route, load, truth, bq, dataset, of, number, moment):
    table = f"{dataset}.pages"
    options = {} if number > 1 else {"chunk_bytes": None}  # a second statement only where it is needed
    with route() as through:
        victim = Ambush(number, moment, of).spring(load(table, *DAYS, route=through, **options), *through)
        assert victim.status == "killed"
        if tables(bq, dataset):
            truth.check(table, SLICES, latest=False)
        assert work(load(table, *DAYS, route=through, try_number=2, **options)).status == "done"
    truth.check(table, SLICES)
    assert tables(bq, dataset) == {table}


@pytest.mark.parametrize(("of", "number", "moment"), BOUNDARIES[3:7], ids=named)
def test_killed_with_many_apps_in_one_statement(route, load, truth, bq, dataset, of, number, moment):
    """Slices of both apps are old or new together, and the next try makes them right."""
    table, slices = f"{dataset}.pages", [(app, day) for app in APPS for day in days(*DAYS)]
    with route() as through:
        errand = load(table, *DAYS, app=APPS, route=through, chunk_bytes=None)
        victim = Ambush(number, moment, of).spring(errand, *through)
        assert victim.status == "killed"
        truth.check(table, slices, latest=False)
        assert len(truth.held(table)) in (0, len(slices))
        assert work(replace(errand, try_number=2)).status == "done"
        assert len({exchange.job_id for exchange in through.bigquery.statements("MERGE")}) <= 2
    truth.check(table, slices)


@pytest.mark.parametrize(("of", "number", "moment"), TAKING_OVER, ids=named)
def test_killed_while_taking_over(route, load, truth, bq, dataset, of, number, moment):
    table = f"{dataset}.pages"
    with route() as through:
        first = Ambush(2, Moment.DURING, "merge").spring(load(table, *DAYS, route=through), *through)
        second = Ambush(number, moment, of).spring(load(table, *DAYS, route=through, try_number=2), *through)
        assert first.status == second.status == "killed"
        assert work(load(table, *DAYS, route=through, try_number=3)).status == "done"
    truth.check(table, SLICES)
    assert tables(bq, dataset) == {table}


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.chaos)])
def test_killed_anywhere(route, load, truth, bq, dataset, figures, kills):
    """Loads whose first tries, one to three of them, die at a random request or after a random time."""
    dice, died, loads, usual = random.Random(kills), 0, 0, 1.0
    with route() as through:
        while died < kills:
            # A new table now and then, because first loads are the delicate ones.
            table, first_load = f"{dataset}.pages{loads // 5}", loads % 5 == 0
            slices = SLICES if first_load else SLICES + BYSTANDERS
            bystanders = {} if first_load else _of_bystanders(truth.held(table))
            tries = (load(table, *DAYS, route=through, run_id=f"run{loads}", try_number=n) for n in itertools.count(1))
            for errand in itertools.islice(tries, dice.randint(1, 3)):
                ended = _hunted(errand, through, dice, usual)
                assert ended.status in ("killed", "done") or REFUSAL in ended.value, ended
                died += ended.status == "killed"
                if not first_load or table in tables(bq, dataset):
                    truth.check(table, slices, latest=False)
            began = time.monotonic()
            ended = work(next(tries))
            if REFUSAL in str(ended.value):
                ended = work(next(tries))
            assert ended.status == "done", ended
            usual = time.monotonic() - began
            truth.check(table, slices)
            assert bystanders == _of_bystanders(truth.held(table)), "load columns included"
            if first_load:
                assert work(load(table, *DAYS, app=APPS[1], chunk_bytes=None)).status == "done"
                assert work(load(table, 3, 3)).status == "done"
            loads += 1
    assert tables(bq, dataset) == {f"{dataset}.pages{number}" for number in range(-(-loads // 5))}
    figures(kills=died, loads=loads)


def _of_bystanders(held):
    return {(app, day): rows for (app, day), rows in held.items() if (app, day) not in _NAMES}


def _hunted(errand, through, dice, usual):
    """Run a worker that dies, unless it is done before: at a random request, or within the time a load takes."""
    if dice.random() < 0.7:
        requests = 12 + 4 * (errand.try_number > 1)  # what a load of two days needs, and to find the next free number
        return Ambush(dice.randint(1, requests), dice.choice(list(Moment))).spring(errand, *through)
    worker = Worker(errand)
    worker.wait(dice.uniform(0, usual))
    worker.kill()
    return worker.outcome()
