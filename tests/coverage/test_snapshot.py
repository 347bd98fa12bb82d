"""The snapshot for the page: everything is in it, and it is small."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import pytest

from airflow_provider_wxanalysis.coverage.snapshot import LIMIT, App, Figures, Page, snapshot, unpack
from airflow_provider_wxanalysis.coverage.states import Coverage, Found, State
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.coverage.history import history

NOW = dt.datetime(2026, 11, 26, 1, 0, tzinfo=dt.UTC)
EPOCH = dt.date(1970, 1, 1)


def spread(runs):
    """Undo the run-length code."""
    pairs = zip(runs[::2], runs[1::2], strict=True)
    return [value for value, times in pairs for _ in range(times)]


def days(runs):
    return [EPOCH + dt.timedelta(days=day) for day in itertools.accumulate(spread(runs))]


def test_every_state_row_and_origin_is_in_it():
    told = history(["a", "b", "c"], days=70, gap=0.1)
    (extra,) = snapshot("p.d", NOW, *told)
    content = unpack(extra)
    assert [App(*app) for app in content["apps"]] == told.apps
    assert [entry["name"] for entry in content["endpoints"]] == list(ENDPOINTS)
    for entry, coverage in zip(content["endpoints"], told.coverages, strict=True):
        periods = [(period.begin_date, period.end_date) for period in coverage.periods]
        assert list(zip(days(entry["begins"]), days(entry["ends"]), strict=True)) == periods
        for number, app in enumerate(told.apps):
            assert spread(entry["states"][number]) == list(coverage.states[app.appid])
            found = told.slices[coverage.endpoint.name][app.appid]
            assert entry["rows"][number] == [found[p].rows if p in found else 0 for p in coverage.periods]
            runs = itertools.accumulate(spread(entry["runs"][number]))
            for period, run, task in zip(coverage.periods, runs, spread(entry["tasks"][number]), strict=True):
                assert (run > 0) == (period in found)
                if run:
                    dag, run_id, minute = content["runs"][run - 1]
                    origin = (content["dags"][dag], run_id, content["tasks"][task])
                    assert origin == (found[period].dag_id, found[period].run_id, found[period].task_id)
                    late = found[period].loaded_at - dt.datetime.fromtimestamp(60 * minute, dt.UTC)
                    assert dt.timedelta() <= late < dt.timedelta(hours=1)


def test_a_person_reads_what_was_found_without_unpacking_it():
    told = history(["a"], days=30, gap=0.2)
    (extra,) = snapshot("p.d", NOW, *told)
    counted = [state for coverage in told.coverages for state in coverage.states[told.apps[0].appid]]
    assert extra.pop("packed")
    assert extra == {
        "form": 1,
        "destination": "p.d",
        "as_of": "2026-11-26T01:00:00+00:00",
        "apps": 1,
        "periods": len(counted),
        **{state: counted.count(state) for state in ("loaded", "maturing", "missing", "lost")},
        "part": 1,
        "parts": 1,
    }


def test_figures():
    day = dt.date(2026, 11, 24)
    told = Figures(
        {day: (7, None), day - dt.timedelta(days=2): (5, 9)},
        {day: {0: 3, 1: 1}, day - dt.timedelta(days=1): {0: 0, 1: 0}, day - dt.timedelta(days=9): {0: 8, 7: 2, 14: 1}},
        [Page("pages/<b>", 4, 2), Page("x" * 1000, 1, 1)],
    )
    (extra,) = snapshot("p.d", NOW, [App("wx1"), App("wx2")], [], {}, {"wx2": told})
    figures = unpack(extra)["figures"]
    assert days(figures["days"][1]) == [day - dt.timedelta(days=2), day]
    assert (figures["uv"], figures["pv"]) == ([[], [5, 7]], [[], [9, None]])
    assert figures["offsets"] == [1, 7, 14]
    assert (figures["users"], figures["rates"]) == ([[], [8, 0, 3]], [[], [[None, 250, 125], [], [333]]])
    assert figures["pages"] == [[], [["pages/<b>", 4, 2], ["x" * 200, 1, 1]]]


def test_only_the_newest_figures_are_told():
    told = history(["a"], days=1)
    start = dt.date(2020, 1, 1)
    long = {start + dt.timedelta(days=n): n for n in range(1000)}
    figures = Figures(
        {day: (n, n) for day, n in long.items()},
        {day: {0: 1} for day in long},
        [Page(f"p{n}", n, n) for n in range(99)],
    )
    content = unpack(snapshot("p.d", NOW, told.apps, [], {}, {told.apps[0].appid: figures})[0])["figures"]
    assert (content["uv"][0][0], len(content["uv"][0])) == (910, 90)
    assert (len(content["users"][0]), len(content["pages"][0])) == (35, 10)


def test_100_apps_with_13_endpoints_over_400_days_take_300_kib():
    told = history([f"小程序 {number}" for number in range(100)], days=400)
    extras = snapshot("p.d", NOW, *told)
    assert len(extras) == 1
    assert len(json.dumps(extras[0])) <= LIMIT == 300 * 1024


def test_what_is_too_large_is_spread_over_events_that_are_whole_for_their_apps():
    told = history([f"app {number}" for number in range(7)], days=60, gap=0.1)
    (whole,) = snapshot("p.d", NOW, *told)
    extras = snapshot("p.d", NOW, **told._asdict(), limit=len(whole["packed"]) // 2)
    assert len(extras) > 2
    assert [(extra["part"], extra["parts"]) for extra in extras] == [(n + 1, len(extras)) for n in range(len(extras))]
    assert {extra["periods"] for extra in extras} == {whole["periods"]}
    parts, everything = [unpack(extra) for extra in extras], unpack(whole)
    assert [app for part in parts for app in part["apps"]] == everything["apps"]
    for number, entry in enumerate(everything["endpoints"]):
        for column in ("states", "rows"):
            assert [one for part in parts for one in part["endpoints"][number][column]] == entry[column]
    for figure in ("uv", "pages", "rates"):
        assert [one for part in parts for one in part["figures"][figure]] == everything["figures"][figure]


def test_the_same_findings_make_the_same_event():
    assert snapshot("p.d", NOW, *history(["a"], 30)) == snapshot("p.d", NOW, *history(["a"], 30))


@pytest.mark.parametrize("origin", [{}, {"dag_id": "d", "run_id": "r"}])
def test_rows_whose_origin_is_unknown_are_shown_without_it(origin):
    told = history(["a"], 3)
    coverage = told.coverages[0]
    period = coverage.periods[-1]
    slices = {coverage.endpoint.name: {told.apps[0].appid: {period: Found(3, 1, NOW, **origin)}}}
    content = unpack(snapshot("p.d", NOW, told.apps, [coverage], slices, {})[0])
    assert content["runs"] == [[0, origin.get("run_id", ""), int(NOW.timestamp()) // 60]]
    assert content["dags"] == [origin.get("dag_id", "")]


def test_an_app_or_a_destination_of_which_nothing_is_known():
    endpoint = ENDPOINTS["daily_summary"]
    coverage = Coverage(endpoint, (endpoint.window.latest(dt.date(2026, 11, 25)),), {"wx1": (State.MISSING,)})
    (extra,) = snapshot("p.d", NOW, [App("wx1"), App("wx2")], [coverage], {}, {})
    assert unpack(extra)["endpoints"][0]["states"] == [["missing", 1], []]
    assert snapshot("p.d", NOW, [], [], {}, {}) == []
