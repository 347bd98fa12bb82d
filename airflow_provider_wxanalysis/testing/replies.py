"""From figures to the JSON that WeChat sends, one function per shape of reply."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_wxanalysis.testing import breakdowns, figures, names
from airflow_provider_wxanalysis.testing.figures import App, tidy
from airflow_provider_wxanalysis.testing.rules import Question

Json = dict[str, Any]

COHORTS = ("visit_uv_new", "visit_uv")
#: Endpoint -> the keys of its cohorts, in periods after the cohort's own.
RETENTION_KEYS: Mapping[str, tuple[int, ...]] = {
    "daily_retain": (0, 1, 2, 3, 4, 5, 6, 7, 14, 30),
    "weekly_retain": (0, 1, 2, 3, 4),
    "monthly_retain": (0, 1),
}


def reply(question: Question, app: App, last_day: dt.date) -> Json:
    """Return WeChat's reply.

    :param question: what was asked.
    :param app: the app that it was asked about.
    :param last_day: the last day whose figures are published; cohorts have grown up to it.
    """
    alone = question.begin == question.end  # a week or month without visits has a row of zeros
    if question.end < app.launched or (alone and question.begin in app.closed):
        return empty(question)
    return _REPLIES[question.endpoint.removesuffix("_7d").removesuffix("_30d")](question, app, last_day)


def empty(question: Question) -> Json:
    """Return the reply of WeChat when it has no figures."""
    name = question.endpoint
    if name in RETENTION_KEYS:
        return {"ref_date": _ref_date(question), **{cohort: [] for cohort in COHORTS}}
    if name.startswith("user_portrait"):
        return {
            "ref_date": _ref_date(question),
            **{cohort: {name: [] for name in names.PORTRAIT} for cohort in COHORTS},
        }
    if name == "performance_data":
        return _performance_envelope([])
    return (
        {"ref_date": _ref_date(question), "list": []} if name in ("visit_distribution", "visit_page") else {"list": []}
    )


def _ref_date(question: Question) -> str:
    if question.endpoint.startswith("monthly"):
        return f"{question.begin:%Y%m}"
    if question.begin == question.end:
        return f"{question.begin:%Y%m%d}"
    return f"{question.begin:%Y%m%d}-{question.end:%Y%m%d}"


def _summary(question: Question, app: App, last_day: dt.date) -> Json:
    return {"list": [{"ref_date": _ref_date(question), **figures.summary(app, question.begin)._asdict()}]}


def _trend(question: Question, app: App, last_day: dt.date) -> Json:
    visits = figures.visits(app, question.begin, question.end)
    if visits is None:
        return empty(question)
    item = {
        "ref_date": _ref_date(question),
        "session_cnt": visits.session_cnt,
        "visit_pv": visits.visit_pv,
        "visit_uv": visits.visit_uv,
        "visit_uv_new": visits.visit_uv_new,
        "stay_time_uv": _mean(visits.seconds, visits.visit_uv),
        "stay_time_session": _mean(visits.seconds, visits.session_cnt),
        "visit_depth": _mean(visits.steps, visits.session_cnt),
    }
    return {"list": [item]}


def _mean(total: float, count: int) -> float:
    return tidy(total / count) if count else 0


def _distribution(question: Question, app: App, last_day: dt.date) -> Json:
    groups = [
        {"index": index, "item_list": [{"key": key, "value": value} for key, value in buckets.items()]}
        for index, buckets in breakdowns.distribution(app, question.begin).items()
    ]
    return {"ref_date": _ref_date(question), "list": groups}


def _retention(question: Question, app: App, last_day: dt.date) -> Json:
    visits = figures.visits(app, question.begin, question.end)
    keys = [key for key in RETENTION_KEYS[question.endpoint] if _last_day_after(question, key) <= last_day]
    found: Json = {"ref_date": _ref_date(question)}
    for cohort in COHORTS:
        size = getattr(visits, cohort)
        found[cohort] = [{"key": key, "value": _returned(question, app, cohort, size, key)} for key in keys]
    return found


def _returned(question: Question, app: App, cohort: str, size: int, key: int) -> int:
    if question.begin == question.end and _last_day_after(question, key) in app.closed:
        return 0
    return figures.returned(app, cohort, size, key)


def _last_day_after(question: Question, count: int) -> dt.date:
    """Return the last day of the ``count``-th period after the question's."""
    if question.endpoint == "monthly_retain":
        months = question.begin.year * 12 + question.begin.month + count  # that is, the month after the one wanted
        return dt.date(months // 12, months % 12 + 1, 1) - dt.timedelta(days=1)
    return question.end + count * dt.timedelta(days=(question.end - question.begin).days + 1)


def _pages(question: Question, app: App, last_day: dt.date) -> Json:
    return {"ref_date": _ref_date(question), "list": breakdowns.pages(app, question.begin)}


def _portrait(question: Question, app: App, last_day: dt.date) -> Json:
    cohorts = {cohort: breakdowns.portrait(app, cohort, question.begin, question.end) for cohort in COHORTS}
    return {"ref_date": _ref_date(question), **cohorts}


def _performance(question: Question, app: App, last_day: dt.date) -> Json:
    first = max(question.begin, app.launched).toordinal()
    dates = (dt.date.fromordinal(number) for number in range(first, question.end.toordinal() + 1))
    days = [date for date in dates if date not in app.closed]
    values = [breakdowns.performance(app, question.module, question.filters, day) for day in days]
    tables = [
        {
            "id": metric.id,
            "lines": [
                {"fields": [{"refdate": f"{d:%Y%m%d}", "value": v[n]} for d, v in zip(days, values, strict=True)]}
            ],
            "zh": metric.zh,
        }
        for n, metric in enumerate(names.METRICS[question.module])
    ]
    return _performance_envelope(tables)


def _performance_envelope(tables: list[Json]) -> Json:
    return {"errcode": 0, "errmsg": "ok", "data": {"body": {"tables": tables, "count": len(tables)}}}


_REPLIES: Mapping[str, Callable[[Question, App, dt.date], Json]] = {
    "daily_summary": _summary,
    "daily_visit_trend": _trend,
    "weekly_visit_trend": _trend,
    "monthly_visit_trend": _trend,
    "visit_distribution": _distribution,
    "daily_retain": _retention,
    "weekly_retain": _retention,
    "monthly_retain": _retention,
    "visit_page": _pages,
    "user_portrait": _portrait,
    "performance_data": _performance,
}
