"""Whether WeChat has published: it does so on the next day, at a different hour every time.

.. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import pendulum

from airflow_provider_wxanalysis.exceptions import ConfigurationError, DataNotReadyError, TransportError
from airflow_provider_wxanalysis.folding import folded
from airflow_provider_wxanalysis.periods import SHANGHAI, Period
from airflow_provider_wxanalysis.wechat.lanes import Answer
from airflow_provider_wxanalysis.wechat.pool import ask_all

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.endpoints import Endpoint
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
    from airflow_provider_wxanalysis.wechat.waits import Stop

#: 15:00 Asia/Shanghai on the day after a period's last day: by then WeChat has published, its staff say.
EMPTY_IS_READY_AFTER = dt.timedelta(hours=15)
#: Waits need a bound: now plus an endless one lies beyond the last year of Python's calendar, and raises.
LONGEST_WAIT = dt.timedelta(days=365)

App = TypeVar("App")


class Finding(NamedTuple):
    """What a check found out about one app.

    :param published: the periods that are there.
    :param missing: those that are not, and older ones not asked for because of that.
    :param why: why the newest of the missing ones is not there, in a word or two; ``None`` if all are.
    """

    published: list[Period]
    missing: list[Period]
    why: str | None


def check_empty_is_ready_after(delay: object) -> None:
    """Refuse what cannot be the delay after a period's end.

    :raises ConfigurationError: if it is not a ``timedelta``, is negative, or has no end in sight.
    """
    if not isinstance(delay, dt.timedelta) or not dt.timedelta(0) <= delay <= LONGEST_WAIT:
        raise ConfigurationError(
            "empty_is_ready_after must be a timedelta after the midnight (Asia/Shanghai) that ends a period, such as "
            f"timedelta(hours=15), and at most {LONGEST_WAIT.days} days, got {delay!r}."
        )


def may_still_come(period: Period, now: dt.datetime, delay: dt.timedelta) -> bool:
    """Whether an empty reply for a period may mean that WeChat has not published it yet.

    :param period: the period.
    :param now: the time; aware.
    :param delay: how long after the period's end that may be so.
    """
    return now < period.closes_at + delay


def check(
    waits: Mapping[App, Sequence[Period]],
    hooks: Mapping[App, WeAnalysisHook],
    endpoint: Endpoint,
    delay: dt.timedelta,
    *,
    in_flight: int,
    stop: Stop,
    threads: bool = True,
    busy_is_not_yet: bool = False,
) -> dict[App, Finding]:
    """Ask every app for its newest period, and for the older ones where that is there.

    :param waits: periods by app.
    :param hooks: the apps' hooks; they are closed here.
    :param endpoint: the catalogue's entry.
    :param delay: how long after a period's end an empty reply may mean "not yet".
    :param in_flight: how many requests there are at once, of all apps together.
    :param stop: ends the check when it is set.
    :param threads: whether to make the calls in threads; else one by one, in the caller's.
    :param busy_is_not_yet: whether a busy WeChat, or one that cannot be reached, counts as "not yet" instead of being
        raised.
    :raises WeAnalysisError: the first of another kind.
    """
    apps, order = list(waits), {app: sorted(periods, reverse=True) for app, periods in waits.items()}
    published: dict[App, list[Period]] = {app: [] for app in apps}
    why: dict[App, tuple[Period, str]] = {}
    with ExitStack() as opened:
        for app in apps:
            opened.enter_context(hooks[app])
        for part in (slice(0, 1), slice(1, None)):
            lanes = [
                hooks[app].lane(endpoint, order[app][part])._replace(key=str(number), keep=len(order[app]) > 1)
                for number, app in enumerate(apps)
                if app not in why and order[app][part]
            ]
            with closing(ask_all(lanes, in_flight=in_flight, stop=stop, threads=threads)) as answers:
                for answer in answers:
                    app = apps[int(answer.lane.key)]
                    reason = _why_not_yet(answer, delay, busy_is_not_yet)
                    if reason is None:
                        published[app].append(answer.period)
                    else:
                        why[app] = max((answer.period, reason), why.get(app, (answer.period, reason)))
    return {
        app: Finding(
            sorted(published[app]),
            sorted(set(order[app]) - set(published[app])),
            why[app][1] if app in why else None,
        )
        for app in apps
    }


def describe(endpoint: Endpoint, findings: Mapping[str, Finding], apps: int) -> str:
    """Return what a check found, in one sentence.

    :param endpoint: the catalogue's entry.
    :param findings: what was found, by the name of the app.
    :param apps: how many apps the wait is for, including those that this check no longer asked.
    """
    late = {name: finding for name, finding in findings.items() if finding.why}
    if not late:
        return f"{endpoint.name}: published."
    if apps == 1:
        (finding,) = late.values()
        return f"{endpoint.name} {finding.missing[-1]} not published ({finding.why})."
    texts = [f"{finding.missing[-1]} of {name} ({finding.why})" for name, finding in late.items()]
    return f"{endpoint.name} not published for {len(late)} of {apps} apps: {folded(texts, 3)}."


def agenda(next_check: dt.datetime, gives_up: dt.datetime | None) -> str:
    """Return when the next check is and when the wait ends, in Beijing time.

    :param next_check: aware.
    :param gives_up: aware; ``None`` if it is not known.
    """
    today = pendulum.now(SHANGHAI).date()
    times = [f"Next check {_clock(next_check, today)}"]
    if gives_up is not None:
        times.append(f"giving up {_clock(gives_up, today)}")
    return f"{', '.join(times)} Asia/Shanghai."


def _clock(instant: dt.datetime, today: dt.date) -> str:
    local = instant.astimezone(SHANGHAI)
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def _why_not_yet(answer: Answer, delay: dt.timedelta, busy_is_not_yet: bool) -> str | None:
    error = answer.error
    passing = error is not None and (error.busy or isinstance(error, TransportError))
    if isinstance(error, DataNotReadyError) or (passing and busy_is_not_yet):
        return str(getattr(error, "errcode", type(error).__name__))
    if error:
        raise error
    if (not answer.rows or answer.empty_parts) and may_still_come(answer.period, pendulum.now(SHANGHAI), delay):
        return "empty reply" if not answer.rows else f"nothing for {', '.join(answer.empty_parts)}"
    return None
