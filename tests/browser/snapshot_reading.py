"""Which snapshot the page reads, from which replies of Airflow's REST API: ``snapshot.js`` alone, in a browser.

``python -m tests.browser.snapshot_reading`` runs only this part, in seconds.
"""

from __future__ import annotations

import datetime as dt
import itertools
import sys
import urllib.parse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.coverage.snapshot import FORM, LIMIT, snapshot
from airflow_provider_wxanalysis.ui import files
from tests.browser.checks import same
from tests.browser.chromium import CHROMIUM, OPTIONS
from tests.coverage.history import history

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

STATIC = Path(files.__file__).with_name("static")
ORIGIN = "http://localhost"
NOW = dt.datetime(2026, 11, 26, 1, tzinfo=dt.UTC)
NAMES = ["one", "two", "three"]
#: The DAG that has loaded what :func:`history` makes up.
LOADER = "weanalysis_morning"
LOOK = """async ([dagId, id]) => {
  const { look } = await import("/weanalysis/snapshot.js");
  const late = new Promise((_, fail) => setTimeout(fail, 20_000, new Error("waits for a reply")));
  const { snapshot, apps, other } = await Promise.race([look(dagId ?? undefined, id ?? undefined), late]);
  return [snapshot?.destination ?? null, apps?.map(({ name }) => name) ?? [], Boolean(other)];
}"""


class Airflow:
    """Replies of an Airflow to what the page asks.

    :param hold: how many requests for events there are to be at once, after the first, before one is answered.
    :ivar asked: how often each resource was asked for.
    """

    def __init__(self, hold: int = 0) -> None:
        self.asked: Counter[str] = Counter()
        self.tasks: list[dict[str, Any]] = []
        self._events: dict[int, list[dict[str, Any]]] = {}
        self._uris: dict[int, str] = {}
        self._ids = itertools.count(1)
        self._hold = hold
        self._held: list[Route] = []

    def destination(self, name: str, dag_id: str = "heal") -> int:
        """Add the asset of a dataset and return its id."""
        asset_id = next(self._ids)
        self._uris[asset_id] = f"weanalysis://coverage/project/{name}/{dag_id}/coverage"
        self._events[asset_id] = []
        return asset_id

    def hand_over(self, asset_id: int, run_id: str, *extras: dict[str, Any]) -> None:
        """Add events to an asset, each newer than all before."""
        for extra in extras:
            event: dict[str, Any] = {"source_dag_id": self._uris[asset_id].split("/")[-2], "source_run_id": run_id}
            number = next(self._ids)
            timestamp = (NOW + dt.timedelta(seconds=number)).isoformat()
            event |= {"id": number, "timestamp": timestamp, "source_map_index": -1, "extra": extra}
            self._events[asset_id].insert(0, event)

    def answer(self, route: Route) -> None:
        """Answer one request."""
        parts = urllib.parse.urlsplit(route.request.url)
        if not parts.path.startswith("/api/v2/"):
            name = parts.path.rpartition("/")[2]
            content = (STATIC / name).read_text() if name else "<!doctype html><base href='/'>"
            route.fulfill(body=content, content_type="text/javascript" if name else "text/html")
            return
        resource = parts.path.removeprefix("/api/v2/")
        self.asked[resource] += 1
        if resource == "assets/events" and self._hold and self.asked[resource] > 1:
            self._held.append(route)
            held = self._held if len(self._held) == self._hold else ()
            for one in held:
                one.fulfill(json=self._reply(resource, urllib.parse.urlsplit(one.request.url).query))
        else:
            route.fulfill(json=self._reply(resource, parts.query))

    def _reply(self, resource: str, query: str) -> dict[str, Any]:
        values = dict(urllib.parse.parse_qsl(query))
        if resource == "assets/events":
            return {"asset_events": self._events[int(values["asset_id"])][: int(values["limit"])]}
        if resource.startswith("dags/"):
            return {"tasks": self.tasks}
        newest = {asset_id: events[0] for asset_id, events in self._events.items() if events}
        return {
            "assets": [
                {"id": asset_id, "uri": uri, "last_asset_event": newest.get(asset_id)}
                for asset_id, uri in self._uris.items()
            ]
        }


def extras(destination: str, names: list[str] = NAMES, *, seconds: int = 0, limit: int = LIMIT) -> list[dict[str, Any]]:
    """Return what a coverage task hands over; with a limit of 1 each app has an event of its own."""
    apps, coverages, slices, figures = history(names, days=3)
    return snapshot(destination, NOW + dt.timedelta(seconds=seconds), apps, coverages, slices, figures, limit)


def main() -> int:
    """Check everything and say what was seen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        check(browser)
        browser.close()
    return 0


def check(browser: Browser) -> None:
    """Check everything."""
    print("--- which snapshot is read", flush=True)
    another_version(browser)
    runs_at_once(browser)
    a_run_without_all_its_parts(browser)
    an_event_that_is_not_a_snapshot(browser)
    another_dags_tab(browser)
    the_tab_of_a_dag_that_loads(browser)


def looked(browser: Browser, airflow: Airflow, dag_id: str | None = None, asset_id: int | None = None) -> Any:
    """Return destination and apps that the page shows, and whether it says that a snapshot is of another version."""
    page = browser.new_page()
    page.route(f"{ORIGIN}/**", airflow.answer)
    page.goto(f"{ORIGIN}/")
    found = page.evaluate(LOOK, [dag_id, asset_id])
    page.close()
    return found


def another_version(browser: Browser) -> None:
    """A snapshot of another version hides no other one; alone, it is named as the reason."""
    airflow = Airflow()
    old = airflow.destination("old")
    airflow.hand_over(old, "run", *extras("project.old"))
    new = airflow.destination("new")
    airflow.hand_over(new, "run", *({**extra, "form": FORM + 1} for extra in extras("project.new")))
    same("another version is passed over", looked(browser, airflow), ["project.old", NAMES, False])
    same("another version is asked for", looked(browser, airflow, None, new), [None, [], True])


def runs_at_once(browser: Browser) -> None:
    """The parts of runs at the same time are not mixed, even if they began in the same second."""
    airflow = Airflow()
    asset = airflow.destination("d")
    earlier = extras("project.d", ["older"] * 3, limit=1)
    for number, extra in enumerate(extras("project.d", limit=1)):
        airflow.hand_over(asset, "a", earlier[number])
        airflow.hand_over(asset, "b", extra)
    same("two runs at once", looked(browser, airflow), ["project.d", NAMES, False])


def a_run_without_all_its_parts(browser: Browser) -> None:
    """Of a run that has not handed over everything nothing is shown."""
    airflow = Airflow()
    asset = airflow.destination("d")
    airflow.hand_over(asset, "whole", *extras("project.d", limit=1))
    airflow.hand_over(asset, "half", *extras("project.d", ["newer"] * 3, seconds=1, limit=1)[:2])
    same("a run without all its parts", looked(browser, airflow), ["project.d", NAMES, False])


def an_event_that_is_not_a_snapshot(browser: Browser) -> None:
    """Anybody may create events of an asset by hand."""
    airflow = Airflow()
    asset = airflow.destination("d")
    airflow.hand_over(asset, "run", *extras("project.d"))
    airflow.hand_over(asset, "", {"from_rest_api": True})
    same("an event made by hand", looked(browser, airflow), ["project.d", NAMES, False])


def another_dags_tab(browser: Browser) -> None:
    """For a DAG that loads nothing, no snapshot is read."""
    airflow = Airflow()
    for name in ("one", "two", "three"):
        airflow.hand_over(airflow.destination(name), "run", *extras(f"project.{name}"))
    airflow.tasks = [{"template_fields": ["bash_command"]}, {"template_fields": None}]
    same("another DAG's tab", looked(browser, airflow, "one"), [None, [], False])
    same("it asks for", dict(airflow.asked), {"assets": 1, "dags/one/tasks": 1})


def the_tab_of_a_dag_that_loads(browser: Browser) -> None:
    """The likely snapshot is read alone, and if it is not the one, all others at once."""
    airflow = Airflow()
    mine = airflow.destination("mine", LOADER)
    airflow.hand_over(mine, "run", *extras("project.mine"))
    airflow.hand_over(airflow.destination("other"), "run", *extras("project.other"))
    same("the tab of a DAG that checks", looked(browser, airflow, LOADER), ["project.mine", NAMES, False])
    same("it asks for", dict(airflow.asked), {"assets": 1, "assets/events": 1})

    airflow = Airflow(hold=3)
    airflow.tasks = [{"template_fields": ["weanalysis_conn_id"]}]
    airflow.hand_over(airflow.destination("loaded"), "run", *extras("project.loaded"))
    for name in ("one", "two", "three"):
        airflow.hand_over(airflow.destination(name), "run", *without_origins(f"project.{name}"))
    same("the tab of a DAG that loads", looked(browser, airflow, LOADER), ["project.loaded", NAMES, False])


def without_origins(destination: str) -> list[dict[str, Any]]:
    """Return the snapshot of a dataset that holds nothing yet."""
    told = history(NAMES, days=3)
    return snapshot(destination, NOW, told.apps, told.coverages, {}, {})


if __name__ == "__main__":
    sys.exit(main())
