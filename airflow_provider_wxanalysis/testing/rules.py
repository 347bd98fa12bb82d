"""The questions that WeChat accepts: which spans of days, and how they are written.

The calendar is worked out here and not taken from :mod:`airflow_provider_wxanalysis.periods`: a mistake there
must not be able to hide behind the same mistake here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.testing.answers import refuse
from airflow_provider_wxanalysis.testing.clock import BEIJING

PORTRAIT_DAYS = {1: "user_portrait", 7: "user_portrait_7d", 30: "user_portrait_30d"}
MODULES = ("10016", "10017", "10021", "10022", "10023")
FILTERS: Mapping[str, tuple[str, ...]] = {
    "networktype": ("-1", "3g", "4g", "wifi"),
    "device_level": ("-1", "1", "2", "3"),
    "device": ("-1", "1", "2"),
}
LONGEST_PERFORMANCE_SPAN = 30 * 86400

_ONE_DAY = dt.timedelta(days=1)
_DATE = re.compile(r"\d{8}", re.ASCII)


@dataclass(frozen=True)
class Question:
    """A question that WeChat accepts.

    :param endpoint: the endpoint's name in the catalogue.
    :param begin: first day.
    :param end: last day, inclusive.
    :param module: getPerformanceData's module.
    :param filters: getPerformanceData's filters, all of them.
    """

    endpoint: str
    begin: dt.date
    end: dt.date
    module: str = ""
    filters: tuple[tuple[str, str], ...] = ()


def _is_day(begin: dt.date, end: dt.date) -> bool:
    return begin == end


def _is_week(begin: dt.date, end: dt.date) -> bool:
    return begin.weekday() == 0 and end - begin == 6 * _ONE_DAY


def _is_month(begin: dt.date, end: dt.date) -> bool:
    return begin.day == 1 and (begin.year, begin.month) == (end.year, end.month) and (end + _ONE_DAY).day == 1


#: The span that each endpoint with natural periods answers for.
SPANS: Mapping[str, Callable[[dt.date, dt.date], bool]] = {
    "daily_summary": _is_day,
    "daily_visit_trend": _is_day,
    "weekly_visit_trend": _is_week,
    "monthly_visit_trend": _is_month,
    "visit_distribution": _is_day,
    "daily_retain": _is_day,
    "weekly_retain": _is_week,
    "monthly_retain": _is_month,
    "visit_page": _is_day,
}


def _names_by_path() -> dict[str, list[str]]:
    found = defaultdict(list)
    for endpoint in ENDPOINTS.values():
        found[endpoint.path].append(endpoint.name)
    return dict(found)


#: Path -> the names of the endpoints there. The portraits share one.
PATHS = _names_by_path()


def name_of(path: str, body: Any) -> str:
    """Return the name of the endpoint that a body sent to ``path`` asks."""
    names = PATHS[path]
    if len(names) > 1 and isinstance(body, dict):
        begin, end = _date(body.get("begin_date")), _date(body.get("end_date"))
        if begin and end:
            return PORTRAIT_DAYS.get((end - begin).days + 1, names[0])
    return names[0]


def read(endpoint: str, body: Any, today: dt.date) -> Question:
    """Read a question.

    :param endpoint: the endpoint's name, see :func:`name_of`.
    :param body: the request's body, parsed.
    :param today: the running day in Beijing.
    :raises RefusedError: if WeChat would not take it.
    """
    if not isinstance(body, dict):
        raise refuse(47001)
    if endpoint == "performance_data":
        return _performance(body, today)
    begin, end = _date(body.get("begin_date")), _date(body.get("end_date"))
    if begin is None or end is None:
        raise refuse(61500)
    if endpoint in SPANS:
        allowed = end < today and SPANS[endpoint](begin, end)
    else:
        allowed = (end - begin).days + 1 in PORTRAIT_DAYS and today - 2 * _ONE_DAY <= end < today
    if not allowed:
        raise refuse(61501)
    return Question(endpoint, begin, end)


def _date(value: object) -> dt.date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return dt.date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return None


def _performance(body: dict[str, Any], today: dt.date) -> Question:
    time, module, params = body.get("time"), body.get("module"), body.get("params")
    if not isinstance(time, dict) or not _whole(module, str) or not isinstance(params, list):
        raise refuse(47001)
    first: Any = time.get("begin_timestamp")
    last: Any = time.get("end_timestamp")
    if not _whole(first) or not _whole(last) or not all(isinstance(param, dict) for param in params):
        raise refuse(47001)
    filters = dict.fromkeys(FILTERS, "-1")  # a field left out stands for all
    for param in params:
        field, value = param.get("field"), param.get("value")
        if not isinstance(field, str) or value not in FILTERS.get(field, ()):
            raise refuse(9001001)
        filters[field] = value
    if str(module) not in MODULES:
        raise refuse(9001001)
    if not 0 <= last - first <= LONGEST_PERFORMANCE_SPAN:
        raise refuse(61501)
    try:
        begin, end = (dt.datetime.fromtimestamp(second, BEIJING).date() for second in (first, last))
    except (ValueError, OverflowError, OSError):
        raise refuse(61501) from None
    if end >= today:
        raise refuse(61501)
    return Question("performance_data", begin, end, str(module), tuple(filters.items()))


def _whole(value: object, *others: type) -> Any:
    return isinstance(value, (int, *others)) and not isinstance(value, bool)
