"""A believable destination: apps with every endpoint loaded morning by morning, here and there a gap."""

from __future__ import annotations

import datetime as dt
import random
import sys
from typing import NamedTuple

from airflow_provider_wxanalysis.coverage.snapshot import App, Figures, Page
from airflow_provider_wxanalysis.coverage.states import Coverage, Found, State
from airflow_provider_wxanalysis.endpoints import ENDPOINTS

LAST = dt.date(2026, 11, 25)
OFFSETS = (1, 2, 3, 4, 5, 6, 7, 14, 30)
#: How many rows a period has, and how far that goes up and down from day to day.
ROWS = {
    "visit_distribution": (42, 1),
    "daily_retain": (20, 0),
    "visit_page": (90, 6),
    "user_portrait": (310, 3),
    "user_portrait_7d": (340, 2),
    "user_portrait_30d": (350, 1),
    "performance_data": (60, 0),
}
PATHS = (
    *("pages/index/index", "pages/goods/list", "pages/goods/detail", "pages/cart/cart", "pages/order/list"),
    *("pages/order/detail", "pages/user/home", "pages/coupon/list", "pages/search/search", "pages/live/room"),
)


class History(NamedTuple):
    """What :func:`~airflow_provider_wxanalysis.coverage.snapshot.snapshot` takes."""

    apps: list
    coverages: list
    slices: dict
    figures: dict


def history(names, days, gap=0.002, seed=1):
    """Return the history of apps over the ``days`` up to :data:`LAST`."""
    dice = random.Random(seed)
    apps = [App(f"wx{dice.getrandbits(64):016x}", name, f"app_{number}") for number, name in enumerate(names)]
    coverages = [_coverage(endpoint, apps, days, gap, dice) for endpoint in ENDPOINTS.values()]
    slices = {
        coverage.endpoint.name: {app.appid: _slices(coverage, app, dice) for app in apps} for coverage in coverages
    }
    return History(apps, coverages, slices, {app.appid: _figures(dice) for app in apps})


def _coverage(endpoint, apps, days, gap, dice):
    ending = (endpoint.window.ending(LAST - dt.timedelta(days=back)) for back in reversed(range(days)))
    periods = tuple(period for period in ending if period)
    return Coverage(
        endpoint, periods, {app.appid: tuple(_state(endpoint, period, gap, dice) for period in periods) for app in apps}
    )


def _state(endpoint, period, gap, dice):
    if dice.random() < gap:
        return State.LOST if endpoint.reach_days else State.MISSING
    growing = endpoint.refresh_offsets and (LAST - period.end_date).days < 30
    return State.MATURING if growing else State.LOADED


def _slices(coverage, app, dice):
    usual, spread = ROWS.get(coverage.endpoint.name, (1, 0))
    task_id = f"load.{coverage.endpoint.name}"
    found = {}
    for period, state in zip(coverage.periods, coverage.states[app.appid], strict=True):
        if state in (State.MISSING, State.LOST):
            continue
        wrote = period.end_date + dt.timedelta(days=1)
        if coverage.endpoint.refresh_offsets:
            wrote = min(LAST, wrote + dt.timedelta(days=29)) + dt.timedelta(days=1)
        at = dt.datetime.combine(wrote, dt.time(0, 35), dt.UTC) + dt.timedelta(minutes=dice.randrange(12))
        rows = usual + dice.randint(-spread, spread)
        run = sys.intern(f"scheduled__{wrote}T00:30:00+00:00")  # as the survey of real tables does
        found[period] = Found(rows, 1, at, dag_id="weanalysis_morning", run_id=run, task_id=task_id)
    return found


def _figures(dice):
    users = 10 ** dice.uniform(2, 4)
    visits, retention = {}, {}
    for back in range(90):
        day = LAST - dt.timedelta(days=back)
        weekend = 1.25 if day.isoweekday() > 5 else 1.0
        uv = int(users * (1 - back / 400) * weekend * dice.uniform(0.93, 1.07))
        visits[day] = (uv, int(uv * dice.uniform(3.8, 4.4)))
        new = max(1, uv // 6)
        back_again = {
            offset: round(new * 0.31 * offset**-0.55 * dice.uniform(0.85, 1.15)) for offset in OFFSETS if offset <= back
        }
        retention[day] = {0: new, **back_again}
    pages = [Page(path, int(users * 7 * 2.4 / rank), int(users * 5 / rank)) for rank, path in enumerate(PATHS, start=1)]
    return Figures(visits, retention, pages)
