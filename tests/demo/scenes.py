"""What the demo shows, one scene after the other."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from airflow_provider_wxanalysis.testing import faults
from tests.demo.report import Warehouse
from tests.demo.stage import APPS, LATE, Stage, say

Scene = Callable[[Stage, Warehouse, dt.datetime], None]


def everything(stage: Stage, warehouse: Warehouse, today: dt.datetime) -> None:
    """All 13 entries of the catalogue of two apps: yesterday's figures, then the 60 days before, then views."""
    stage.run_dag("weanalysis_everything", today)
    for name, rows in warehouse.contents().items():
        say(f"    {name}: {len(rows):,} rows")


def half_published_morning(stage: Stage, warehouse: Warehouse, today: dt.datetime) -> None:
    """9:00: WeChat has not published yet (61503). 10:30: the retry is green."""
    stage.wechat.faults.add(faults.errcode(61503), times=None)
    stage.run_dag("demo_morning", today, expect="failed")
    say(f"    {stage.sentence('61503')}")
    stage.wechat.faults.clear()
    stage.run_dag("demo_morning", today)


def wrong_secret(stage: Stage, warehouse: Warehouse, today: dt.datetime) -> None:
    """A wrong AppSecret ends the task at once: no retry can fix it."""
    calls = stage.wechat.count("token")
    stage.run_dag("demo_wrong_secret", today, expect="failed")
    say(f"    {stage.sentence('AppSecret')}")
    say(f"    Calls to WeChat: {stage.wechat.count('token') - calls}")


def killed(stage: Stage, warehouse: Warehouse, today: dt.datetime) -> None:
    """A load of two months killed with SIGKILL in the middle, then tried again: the same rows."""
    before = warehouse.contents("visit_page")
    asked = stage.wechat.count("visit_page")
    say("  $ airflow dags test demo_two_months_of_pages ... ", end="")
    stage.kill_during("demo_two_months_of_pages", today, lambda: stage.wechat.count("visit_page") >= asked + 30)
    say(f"killed after {stage.wechat.count('visit_page') - asked} requests")
    stage.run_dag("demo_two_months_of_pages", today)
    same = warehouse.contents("visit_page") == before
    say(f"    The table holds the same rows as before: {_yes(same)}")
    if not same:
        stage.fail("the killed load changed rows")


def gaps(stage: Stage, warehouse: Warehouse, today: dt.datetime) -> None:
    """One day deleted by hand, one app added late, one launched only 40 days ago: found and filled."""
    day = (today - dt.timedelta(days=20)).date()
    warehouse.delete("daily_visit_trend", APPS["weanalysis_shop"][0], day)
    stage.plan([*APPS, *LATE])
    say(f"    Deleted daily_visit_trend of {day} (Shop), and added Tickets to the DAG's apps: it has no rows at all.")
    stage.calendars["before"] = warehouse.calendar("daily_visit_trend")
    started = time.monotonic()
    stage.run_dag("weanalysis_everything", today)
    say(f"    Before healing:\n{stage.coverage(back=1)}\n    After healing:\n{stage.coverage()}")
    stage.calendars["after"] = warehouse.calendar("daily_visit_trend")
    say(f"    Found and filled in {time.monotonic() - started:.0f} s.")


SCENES: dict[str, Scene] = {
    "Everything, every morning": everything,
    "A morning on which WeChat is late": half_published_morning,
    "A wrong secret": wrong_secret,
    "A killed worker": killed,
    "Gaps": gaps,
}


def _yes(same: bool) -> str:
    return "yes" if same else "NO"
