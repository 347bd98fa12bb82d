"""What WeChat's reference publishes, and tests/fixtures keeps: replies, requests and error messages."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import Period
from tests.support.servers import REPOSITORY

#: The last day of the period that each endpoint's sample is about. That of 30 days is read from the other portraits'.
LAST_DAYS = {
    **dict.fromkeys(("daily_summary", "daily_visit_trend", "visit_distribution", "daily_retain"), "2017-03-13"),
    **{"visit_page": "2017-03-13", "weekly_visit_trend": "2017-03-12", "weekly_retain": "2017-03-12"},
    **{"monthly_visit_trend": "2017-03-31", "monthly_retain": "2017-02-28", "user_portrait": "2017-06-11"},
    **{"user_portrait_7d": "2017-06-17", "user_portrait_30d": "2017-06-11", "performance_data": "2021-01-03"},
}


def published(name: str) -> Any:
    """Return a file of tests/fixtures as it is there."""
    return json.loads((REPOSITORY / "tests" / "fixtures" / f"{name}.json").read_text(encoding="utf-8"))


def sample(name: str) -> Any:
    """Return an endpoint's sample; of performance_data's two days only the first, which is what a request asks for."""
    reply = published(re.sub(r"_\d+d$", "", name))
    for table in reply["data"]["body"]["tables"] if name == "performance_data" else []:
        del table["lines"][0]["fields"][1]
    return reply


def period(name: str, last_day: str | None = None) -> Period:
    """Return the period that an endpoint's sample is about, or the one that ends with another day."""
    found = ENDPOINTS[name].window.ending(dt.date.fromisoformat(last_day or LAST_DAYS[name]))
    assert found is not None
    return found
