"""The catalogue: every WeChat data-analysis endpoint, declared once, as data.

Operators, BigQuery schemas, documentation and tests derive from :data:`ENDPOINTS`. To add an endpoint, add an entry
and, if its reply has a new shape, a function in :mod:`~airflow_provider_wxanalysis.catalogue.shapes`.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from airflow_provider_wxanalysis.catalogue import performance, shapes
from airflow_provider_wxanalysis.catalogue.columns import (
    DISTRIBUTION,
    PAGE,
    PERFORMANCE,
    PORTRAIT,
    RETENTION,
    SUMMARY,
    TREND,
)
from airflow_provider_wxanalysis.catalogue.endpoint import Endpoint as Endpoint
from airflow_provider_wxanalysis.catalogue.endpoint import Request as Request
from airflow_provider_wxanalysis.catalogue.values import show
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import DAY, LAST_7_DAYS, LAST_30_DAYS, MONTH, WEEK, Window

DOCS = "https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis"


def resolve(endpoint: str | Endpoint, options: Mapping[str, Any] | None = None) -> Endpoint:
    """Return the catalogue's entry for a name, with the options of its operator applied.

    :param endpoint: a name of :data:`ENDPOINTS`, or an entry.
    :param options: what the endpoint's own operator takes, such as ``modules``.
    :raises ConfigurationError: if there is no such endpoint or option.
    """
    if isinstance(endpoint, Endpoint):
        entry = endpoint
    elif isinstance(endpoint, str) and endpoint in ENDPOINTS:
        entry = ENDPOINTS[endpoint]
    else:
        near = difflib.get_close_matches(show(endpoint), ENDPOINTS, n=len(ENDPOINTS), cutoff=0.0)
        raise ConfigurationError(f"There is no endpoint {show(endpoint)}. Known, nearest first: {', '.join(near)}.")
    if not options:
        return entry
    if not isinstance(options, Mapping):
        raise ConfigurationError(f"endpoint_options must be a mapping of options to values, got {show(options)}.")
    if entry.configure is None:
        raise ConfigurationError(f"{entry.name} takes no endpoint_options, but {sorted(map(str, options))} were given.")
    return entry.configure(entry, options)


PORTRAITS = {1: "user_portrait", 7: "user_portrait_7d", 30: "user_portrait_30d"}


def portrait_name(window_days: object) -> str:
    """Return the catalogue's name of the portrait over ``window_days`` days.

    :param window_days: 1, 7 or 30.
    :raises ConfigurationError: if WeChat has no such window.
    """
    if type(window_days) is not int or window_days not in PORTRAITS:
        raise ConfigurationError(f"window_days={window_days!r}: WeChat draws portraits over 1, 7 or 30 days.")
    return PORTRAITS[window_days]


def _choose_portrait(endpoint: Endpoint, options: Mapping[str, Any]) -> Endpoint:
    if set(options) != {"window_days"}:
        raise ConfigurationError(
            f"{endpoint.name} takes the option window_days only, not {', '.join(map(str, options))}."
        )
    return ENDPOINTS[portrait_name(options["window_days"])]


def _choose_selections(endpoint: Endpoint, options: Mapping[str, Any]) -> Endpoint:
    return dataclasses.replace(endpoint, selections=performance.selections(options))


def _portrait(window_days: int, window: Window) -> Endpoint:
    return Endpoint(
        name=PORTRAITS[window_days],
        api_name="getUserPortrait",
        zh=f"用户画像（最近 {window_days} 天）",
        en=f"Who visited in the last {f'{window_days} days' if window_days > 1 else 'day'}",
        path="/datacube/getweanalysisappiduserportrait",
        window=window,
        columns=PORTRAIT,
        shape=shapes.portraits,
        docs=f"{DOCS}/others/api_getuserportrait.html",
        reach_days=2,
        configure=_choose_portrait,
    )


_ALL = (
    Endpoint(
        name="daily_summary",
        api_name="getDailySummary",
        zh="数据概况",
        en="Total users and sharing",
        path="/datacube/getweanalysisappiddailysummarytrend",
        window=DAY,
        columns=SUMMARY,
        shape=shapes.item_list,
        docs=f"{DOCS}/others/api_getdailysummary.html",
    ),
    Endpoint(
        name="daily_visit_trend",
        api_name="getDailyVisitTrend",
        zh="访问日趋势",
        en="Visits per day",
        path="/datacube/getweanalysisappiddailyvisittrend",
        window=DAY,
        columns=TREND,
        shape=shapes.item_list,
        docs=f"{DOCS}/visit-trend/api_getdailyvisittrend.html",
    ),
    Endpoint(
        name="weekly_visit_trend",
        api_name="getWeeklyVisitTrend",
        zh="访问周趋势",
        en="Visits per week",
        path="/datacube/getweanalysisappidweeklyvisittrend",
        window=WEEK,
        columns=TREND,
        shape=shapes.item_list,
        docs=f"{DOCS}/visit-trend/api_getweeklyvisittrend.html",
    ),
    Endpoint(
        name="monthly_visit_trend",
        api_name="getMonthlyVisitTrend",
        zh="访问月趋势",
        en="Visits per month",
        path="/datacube/getweanalysisappidmonthlyvisittrend",
        window=MONTH,
        columns=TREND,
        shape=shapes.item_list,
        docs=f"{DOCS}/visit-trend/api_getmonthlyvisittrend.html",
    ),
    Endpoint(
        name="visit_distribution",
        api_name="getVisitDistribution",
        zh="访问分布",
        en="Visits by source, stay time and depth",
        path="/datacube/getweanalysisappidvisitdistribution",
        window=DAY,
        columns=DISTRIBUTION,
        shape=shapes.distributions,
        docs=f"{DOCS}/others/api_getvisitdistribution.html",
    ),
    Endpoint(
        name="daily_retain",
        api_name="getDailyRetain",
        zh="访问日留存",
        en="Retention by day",
        path="/datacube/getweanalysisappiddailyretaininfo",
        window=DAY,
        columns=RETENTION,
        shape=shapes.cohort_offsets,
        docs=f"{DOCS}/visit-retain/api_getdailyretain.html",
        refresh_offsets=(1, 2, 3, 4, 5, 6, 7, 14, 30),
    ),
    Endpoint(
        name="weekly_retain",
        api_name="getWeeklyRetain",
        zh="访问周留存",
        en="Retention by week",
        path="/datacube/getweanalysisappidweeklyretaininfo",
        window=WEEK,
        columns=RETENTION,
        shape=shapes.cohort_offsets,
        docs=f"{DOCS}/visit-retain/api_getweeklyretain.html",
        refresh_offsets=(1, 2, 3, 4),
    ),
    Endpoint(
        name="monthly_retain",
        api_name="getMonthlyRetain",
        zh="访问月留存",
        en="Retention by month",
        path="/datacube/getweanalysisappidmonthlyretaininfo",
        window=MONTH,
        columns=RETENTION,
        shape=shapes.cohort_offsets,
        docs=f"{DOCS}/visit-retain/api_getmonthlyretain.html",
        refresh_offsets=(1,),
    ),
    Endpoint(
        name="visit_page",
        api_name="getVisitPage",
        zh="访问页面",
        en="Visits per page",
        path="/datacube/getweanalysisappidvisitpage",
        window=DAY,
        columns=PAGE,
        shape=shapes.page_list,
        docs=f"{DOCS}/others/api_getvisitpage.html",
        row_limit=200,
    ),
    _portrait(1, DAY),
    _portrait(7, LAST_7_DAYS),
    _portrait(30, LAST_30_DAYS),
    Endpoint(
        name="performance_data",
        api_name="getPerformanceData",
        zh="性能数据",
        en="Start-up, page-switch and memory figures",
        path="/wxa/business/performance/boot",
        window=DAY,
        columns=PERFORMANCE,
        shape=shapes.performance_tables,
        docs=f"{DOCS}/others/api_getperformancedata.html",
        selections=performance.selections({}),
        body=performance.body,
        configure=_choose_selections,
    ),
)

#: Every endpoint by its name.
ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType({endpoint.name: endpoint for endpoint in _ALL})
