"""Figures that look like an app's: how many people came, how often, and how many of them came back.

Everything follows from AppID and date by hashing, so an app has the same history in every process and for every order
of calls. One curve carries it all: the number of users there have ever been. A day's new users are its increase.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import struct
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple

LAUNCHED = dt.date(2017, 1, 9)  #: the day on which WeChat opened mini programs to all users

_TRIAL_USERS = 30  # in days' worth of new users: there was a trial version, so that even the first day sees returns


def rolls(count: int, *key: object) -> list[float]:
    """Return ``count`` numbers in [0, 1) that depend on nothing but ``key``."""
    digest = hashlib.shake_128("|".join(map(str, key)).encode()).digest(2 * count)
    return [number / 65536 for number in struct.unpack(f">{count}H", digest)]


def tidy(number: float, decimals: int = 4) -> float:
    """Return ``number`` as WeChat writes it: at most four decimals, or six, and no point where it is whole."""
    short = round(number, decimals)
    return int(short) if short == int(short) else short


@dataclass(frozen=True, eq=False)  # one object per app, so that caches can go by identity
class App:
    """What makes one app differ from another. Get it from :func:`app`."""

    appid: str
    launched: dt.date
    closed: frozenset[dt.date]
    pages: int
    newcomers: float
    growth: float
    loyalty: float
    opens: float
    views: float
    stay: float
    overlap: float
    comeback: tuple[float, float]
    weekly: tuple[float, ...]


class Visits(NamedTuple):
    """Visits of a day or a span of days. ``seconds`` and ``steps`` are sums over all opens."""

    session_cnt: int
    visit_pv: int
    visit_uv: int
    visit_uv_new: int
    seconds: float
    steps: float


class Summary(NamedTuple):
    """The day's summary."""

    visit_total: int
    share_pv: int
    share_uv: int


@cache
def app(
    appid: str,
    launched: dt.date = LAUNCHED,
    pages: int | None = None,
    closed: frozenset[dt.date] = frozenset(),
) -> App:
    """Return an app's character.

    :param appid: AppID.
    :param launched: the first day with figures.
    :param pages: how many pages it has; ``None`` leaves it to the AppID: 20 to 260.
    :param closed: days without visitors, as when the app is closed.
    """
    size, growth, loyalty, opens, views, stay, overlap, new, active, weekend, count, small = rolls(12, appid, "app")
    extra = 0.4 * weekend - 0.2  # a weekend dip or a weekend peak, made up for on the other days
    week = [-0.4 * extra] * 5 + [extra] * 2
    return App(
        appid=appid,
        launched=launched,
        closed=closed,
        pages=pages or 20 + int(241 * count),
        newcomers=60 * 50**size / (30 if small < 1 / 5 else 1),  # a day: one app in five is a club's
        growth=0.05 + 0.45 * growth,
        loyalty=6 + 8 * loyalty,
        opens=1.3 + 0.8 * opens,
        views=1.9 + 2 * views,
        stay=30 + 120 * stay,
        overlap=0.35 + 0.15 * overlap,
        comeback=(0.12 + 0.14 * new, 0.35 + 0.1 * active),
        weekly=tuple(accumulate(week)),
    )


def visit_total(app: App, day: dt.date) -> int:
    """Return how many users the app has had up to the end of ``day``. Who finds it closed comes on the next day."""
    while day in app.closed:
        day -= dt.timedelta(days=1)
    age = (day - app.launched).days + 1
    rate = app.newcomers * (1 + app.growth * age / 365)
    (noise,) = rolls(1, app.appid, day, "total")
    steady = app.newcomers * (_TRIAL_USERS + age + app.growth * age * age / 730)
    return int(steady + rate * (app.weekly[day.weekday()] + 0.1 * noise))


@lru_cache(maxsize=1 << 16)
def visits_on(app: App, day: dt.date) -> Visits:
    """Return the visits of one day on or after the launch on which the app was open."""
    uv, opens, views, stay, whole, depth = rolls(6, app.appid, day, "visits")
    new = visit_total(app, day) - visit_total(app, day - dt.timedelta(days=1))
    people = new + 1 + int(new * (app.loyalty - 1) * (0.97 + 0.06 * uv))
    sessions = people + 1 + int(people * (app.opens - 1) * (0.9 + 0.2 * opens))
    pages = sessions + 1 + int(sessions * (app.views - 1) * (0.9 + 0.2 * views))
    seconds = tidy(app.stay * (0.9 + 0.2 * stay))
    if whole < 1 / 8:  # WeChat writes whole floats as integers, so clients should meet some
        seconds = round(seconds)
    steps = tidy(1 + (pages / sessions - 1) * (0.4 + 0.1 * depth))
    return Visits(sessions, pages, people, new, sessions * seconds, sessions * steps)


@lru_cache(maxsize=1 << 12)
def visits(app: App, begin: dt.date, end: dt.date) -> Visits | None:
    """Return the visits of the days ``begin`` to ``end``, or ``None`` if the app was launched later.

    Opens and views add up. People do not: a person who came on three days of a week is one visitor of the week.
    """
    if end < app.launched:
        return None
    first = max(begin, app.launched)
    dates = (dt.date.fromordinal(number) for number in range(first.toordinal(), end.toordinal() + 1))
    days = [visits_on(app, date) for date in dates if date not in app.closed]
    if not days:
        return Visits(0, 0, 0, 0, 0.0, 0.0)
    most = max(day.visit_uv for day in days)
    others = sum(day.visit_uv for day in days) - most
    return Visits(
        session_cnt=sum(day.session_cnt for day in days),
        visit_pv=sum(day.visit_pv for day in days),
        visit_uv=min(most + int(others * len(days) ** -app.overlap), visit_total(app, end)),
        visit_uv_new=sum(day.visit_uv_new for day in days),
        seconds=sum(day.seconds for day in days),
        steps=sum(day.steps for day in days),
    )


def summary(app: App, day: dt.date) -> Summary:
    """Return the summary of one day on or after the launch."""
    often, many = rolls(2, app.appid, day, "share")
    share_pv = 1 + int(visits_on(app, day).visit_pv * (0.005 + 0.01 * often))
    return Summary(visit_total(app, day), share_pv, max(1, int(share_pv * (0.5 + 0.4 * many))))


def returned(app: App, cohort: str, size: int, key: int) -> int:
    """Return how many people of a cohort came back ``key`` periods later; at 0, the cohort itself."""
    new, active = app.comeback
    if key == 0:
        return size
    return int(size * new * key**-0.6) if cohort == "visit_uv_new" else int(size * active * key**-0.2)
