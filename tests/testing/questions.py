"""Questions put to the figures themselves, without a server, for any app and day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing import figures, replies, rules

LONG_AGO = dt.date(2017, 1, 9)
SETTLED = dt.date(2032, 1, 1)  # every cohort below has grown up
DAY = dt.timedelta(days=1)

appids = st.from_regex(r"wx[0-9a-f]{16}", fullmatch=True)
days = st.dates(LONG_AGO, dt.date(2031, 6, 30))


def reply(endpoint: str, appid: str, begin: dt.date, end: dt.date | None = None, **options: Any) -> dict[str, Any]:
    app = figures.app(appid, **options)
    return replies.reply(rules.Question(endpoint, begin, end or begin), app, SETTLED)


def trend(appid: str, day: dt.date) -> dict[str, Any]:
    return reply("daily_visit_trend", appid, day)["list"][0]


def span_of(endpoint: str, day: dt.date) -> tuple[dt.date, dt.date]:
    period = ENDPOINTS[endpoint].window.containing(day)
    return period.begin_date, period.end_date


def buckets(appid: str, day: dt.date) -> dict[str, dict[int, int]]:
    groups = reply("visit_distribution", appid, day)["list"]
    return {group["index"]: {item["key"]: item["value"] for item in group["item_list"]} for group in groups}
