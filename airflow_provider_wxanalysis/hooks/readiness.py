"""Whether WeChat has published: it does so on the next day, at a different hour every time.

.. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pendulum

from airflow_provider_wxanalysis.exceptions import ConfigurationError, DataNotReadyError, call_name
from airflow_provider_wxanalysis.periods import SHANGHAI, Period

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.endpoints import Endpoint
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook

#: 15:00 Asia/Shanghai on the day after a period's last day: by then WeChat has published, its staff say.
EMPTY_IS_READY_AFTER = dt.timedelta(hours=15)


def check_empty_is_ready_after(delay: object) -> None:
    """Refuse a delay that is none.

    :raises ConfigurationError: if it is no ``timedelta``, or negative.
    """
    if not isinstance(delay, dt.timedelta) or delay < dt.timedelta(0):
        raise ConfigurationError(
            "empty_is_ready_after must be a timedelta after the midnight (Asia/Shanghai) that ends a period, such as "
            f"timedelta(hours=15), got {delay!r}."
        )


def may_still_come(period: Period, delay: dt.timedelta) -> bool:
    """Whether an empty reply for ``period`` may mean that WeChat has not published it yet."""
    return pendulum.now(SHANGHAI) < period.closes_at + delay


def not_yet(hook: WeAnalysisHook, endpoint: Endpoint, periods: Iterable[Period], delay: dt.timedelta) -> str | None:
    """Ask for each period, the newest first, until one is not there; say why it is not, or ``None`` if all are there.

    :param hook: the way to WeChat.
    :param endpoint: the catalogue's entry.
    :param periods: the periods.
    :param delay: how long after a period's end an empty reply may mean "not yet".
    """
    for period in sorted(periods, reverse=True):
        try:
            rows = hook.fetch(endpoint, period)
        except DataNotReadyError as error:
            return str(error)
        if not rows and may_still_come(period, delay):
            name = call_name(endpoint.name, period, hook.appid)
            return f"{name}: empty, which may still mean that WeChat has not published it."
    return None
