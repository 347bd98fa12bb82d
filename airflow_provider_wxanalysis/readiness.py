"""Until when an empty reply may mean "not yet": WeChat publishes on the next day, at a different hour every time."""

from __future__ import annotations

import datetime as dt

import pendulum

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import SHANGHAI, Period

#: 15:00 Asia/Shanghai on the day after a period's last day: by then WeChat has published, its staff say.
EMPTY_IS_READY_AFTER = dt.timedelta(hours=15)


def check_empty_is_ready_after(delay: object) -> None:
    """Refuse a delay that is none.

    :raises ConfigurationError: if it is no ``timedelta``, or negative.
    """
    if not isinstance(delay, dt.timedelta) or delay < dt.timedelta(0):
        raise ConfigurationError(
            f"empty_is_ready_after={delay!r} is no timedelta after the midnight (Asia/Shanghai) that ends a period, "
            "such as timedelta(hours=15)."
        )


def may_still_come(period: Period, delay: dt.timedelta) -> bool:
    """Whether an empty reply for ``period`` may mean that WeChat has not published it yet."""
    return pendulum.now(SHANGHAI) < period.closes_at + delay
