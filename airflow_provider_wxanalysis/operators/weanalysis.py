"""Operators that return an endpoint's rows, for quick looks and for tasks of your own.

Rows pass through XCom, so this is for days, not for years; to load into BigQuery, use
:class:`~airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery.WeAnalysisToBigQueryOperator`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_wxanalysis.tasks.arguments import MOST_IN_FLIGHT, Rules, requests_in_flight
from airflow_provider_wxanalysis.tasks.base import EndpointOperatorMixin, fail_for_good
from airflow_provider_wxanalysis.tasks.runs import earlier_periods, lookback_offsets
from airflow_provider_wxanalysis.tasks.signatures import OperatorArguments
from airflow_provider_wxanalysis.wechat.pool import ask_all
from airflow_provider_wxanalysis.wechat.waits import Stop

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_wxanalysis.periods import Period


class WeAnalysisOperator(EndpointOperatorMixin, BaseOperator):
    """Fetch any endpoint of the catalogue for the periods that are due in the run, and return the rows.

    A period is due in the run whose data interval holds its end (midnight in Asia/Shanghai after its last day). A run
    in which none is due is skipped.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/

    :param endpoint: name of the endpoint, a key of :data:`~airflow_provider_wxanalysis.endpoints.ENDPOINTS`; only for
        this class, since each of the others has its own.
    :param endpoint_options: what the endpoint's own operator takes, such as ``{"modules": ["10022"]}``.
    :param weanalysis_conn_id: Airflow connection of type ``weanalysis``, or a list of them: one for each app.
        (templated)
    :param appids: AppIDs that the one connection serves, which then has ``auth=central``. (templated)
    :param from_date: first day to fetch instead of the run's interval: ``YYYY-MM-DD``, ``YYYYMMDD`` or a ``date``.
        (templated)
    :param to_date: last day, inclusive; the two make up whole periods. (templated)
    :param lookback: how many earlier periods to fetch as well, or which offsets, such as ``[1, 7]``. None by default;
        portraits have none.
    :param max_requests_in_flight: how many requests there are at once, of all apps together, from 1 to 64; each app
        stays within its own connection's ``max_concurrency``.
    :return: the rows of all apps and periods, in order, as a list of dicts ready for JSON: ``appid``, ``begin_date``,
        ``end_date``, ``ref_date``, the endpoint's own columns and ``_extra``.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if no period is due.
    :raises AirflowFailException: if WeChat's answer is one that no retry can change.
    :raises WeAnalysisError: if a retry may help.
    """

    template_fields: Sequence[str] = ("weanalysis_conn_id", "appids", "from_date", "to_date")
    ui_color = "#e8f8ee"
    _stop: Stop | None = None
    rules: ClassVar[Rules] = {"lookback": lookback_offsets, "max_requests_in_flight": requests_in_flight}

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        endpoint_options: Mapping[str, Any] | None = None,
        weanalysis_conn_id: str | Sequence[str] = "weanalysis_default",
        appids: Sequence[str] | None = None,
        from_date: str | dt.date | None = None,
        to_date: str | dt.date | None = None,
        lookback: int | Sequence[int] | None = None,
        max_requests_in_flight: int = MOST_IN_FLIGHT,
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        if endpoint is not None:
            self.endpoint = endpoint
        self.endpoint_options = endpoint_options
        self.weanalysis_conn_id = weanalysis_conn_id
        self.appids = appids
        self.from_date = from_date
        self.to_date = to_date
        self.lookback = lookback
        self.max_requests_in_flight = max_requests_in_flight
        self.check_when_parsed()

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Fetch the rows."""
        with fail_for_good():
            due = self.due_periods(context)
            earlier = earlier_periods(self.entry, due, lookback_offsets(self.lookback))
            return self._fetch(sorted([*earlier, *due]))

    def on_kill(self) -> None:
        """End all requests that are under way."""
        if self._stop:
            self._stop.set()

    def _fetch(self, periods: Sequence[Period]) -> list[dict[str, Any]]:
        """Ask all apps for all periods at once, and return the rows in the order of apps and periods."""
        self._stop = Stop()
        # Each app's first period is asked for in the order of the apps; after that they take turns.
        by_app: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        lanes = (hook.lane(self.entry, periods) for hook in self.hooks().values())
        answers = ask_all(lanes, in_flight=self.max_requests_in_flight, stop=self._stop, in_order=True)
        with closing(answers):
            for answer in answers:
                if answer.rows is None:
                    raise answer.error or AssertionError("an answer without rows or error")
                self.log.debug(
                    "%s %s of %s: %d rows.", self.entry.name, answer.period, answer.lane.key, len(answer.rows)
                )
                by_app[answer.lane.key] += answer.rows
        rows = list(chain.from_iterable(by_app.values()))
        self.log.info(
            "%s: fetched %d rows of %d periods, %s to %s, from %s.",
            self.entry.name, len(rows), len(periods), periods[0].begin_date, periods[-1].end_date,
            self.apps_label,
        )  # fmt: skip
        return rows


class WeAnalysisDailySummaryOperator(WeAnalysisOperator):
    """Fetch the number of users and of shares, per day.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getdailysummary.html
    """

    endpoint = "daily_summary"


class WeAnalysisDailyVisitTrendOperator(WeAnalysisOperator):
    """Fetch visits per day.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-trend/api_getdailyvisittrend.html
    """

    endpoint = "daily_visit_trend"


class WeAnalysisWeeklyVisitTrendOperator(WeAnalysisOperator):
    """Fetch visits per natural week.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-trend/api_getweeklyvisittrend.html
    """

    endpoint = "weekly_visit_trend"


class WeAnalysisMonthlyVisitTrendOperator(WeAnalysisOperator):
    """Fetch visits per natural month.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-trend/api_getmonthlyvisittrend.html
    """

    endpoint = "monthly_visit_trend"


class WeAnalysisVisitDistributionOperator(WeAnalysisOperator):
    """Fetch visits by source, stay time and depth, per day.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getvisitdistribution.html
    """

    endpoint = "visit_distribution"


class WeAnalysisDailyRetainOperator(WeAnalysisOperator):
    """Fetch retention by day, which grows for 30 days.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-retain/api_getdailyretain.html
    """

    endpoint = "daily_retain"


class WeAnalysisWeeklyRetainOperator(WeAnalysisOperator):
    """Fetch retention by week, which grows for four weeks.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-retain/api_getweeklyretain.html
    """

    endpoint = "weekly_retain"


class WeAnalysisMonthlyRetainOperator(WeAnalysisOperator):
    """Fetch retention by month, which grows for one month.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-retain/api_getmonthlyretain.html
    """

    endpoint = "monthly_retain"


class WeAnalysisVisitPageOperator(WeAnalysisOperator):
    """Fetch visits per page, the top 200 of each day.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getvisitpage.html
    """

    endpoint = "visit_page"


class WeAnalysisUserPortraitOperator(WeAnalysisOperator):
    """Fetch who the visitors are: province, city, gender, platform, device and age.

    WeChat answers for windows that end yesterday or the day before: a run in which an older one is due is skipped, and
    a day not collected is lost.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getuserportrait.html

    Takes what :class:`WeAnalysisOperator` takes, except ``endpoint`` and ``endpoint_options``, and:

    :param window_days: how many days the portrait covers: 1, 7 or 30.
    """

    endpoint = "user_portrait"
    own_options = ("window_days",)

    def __init__(
        self,
        *,
        window_days: int = 1,
        weanalysis_conn_id: str | Sequence[str] = "weanalysis_default",
        appids: Sequence[str] | None = None,
        from_date: str | dt.date | None = None,
        to_date: str | dt.date | None = None,
        lookback: int | Sequence[int] | None = None,
        max_requests_in_flight: int = MOST_IN_FLIGHT,
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(
            endpoint_options={"window_days": window_days},
            weanalysis_conn_id=weanalysis_conn_id,
            appids=appids,
            from_date=from_date,
            to_date=to_date,
            lookback=lookback,
            max_requests_in_flight=max_requests_in_flight,
            **kwargs,
        )
        self.window_days = window_days


class WeAnalysisPerformanceDataOperator(WeAnalysisOperator):
    """Fetch start-up, page-switch and memory figures, one request per day, module and combination of filters.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getperformancedata.html

    Takes what :class:`WeAnalysisOperator` takes, except ``endpoint`` and ``endpoint_options``, and:

    :param modules: any of ``10016`` (open rate), ``10017`` (start-up), ``10021`` (page switch), ``10022`` (memory) and
        ``10023`` (memory anomalies); by default all five.
    :param network_types: any of ``all``, ``3g``, ``4g``, ``wifi``; by default ``all``.
    :param device_levels: any of ``all``, ``1`` (high), ``2`` (middle), ``3`` (low); by default ``all``.
    :param devices: any of ``all``, ``1`` (iOS), ``2`` (Android); by default ``all``.
    """

    endpoint = "performance_data"
    own_options = ("modules", "network_types", "device_levels", "devices")

    def __init__(
        self,
        *,
        modules: Sequence[str] | None = None,
        network_types: Sequence[str] | None = None,
        device_levels: Sequence[str] | None = None,
        devices: Sequence[str] | None = None,
        weanalysis_conn_id: str | Sequence[str] = "weanalysis_default",
        appids: Sequence[str] | None = None,
        from_date: str | dt.date | None = None,
        to_date: str | dt.date | None = None,
        lookback: int | Sequence[int] | None = None,
        max_requests_in_flight: int = MOST_IN_FLIGHT,
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        options = {
            "modules": modules,
            "network_types": network_types,
            "device_levels": device_levels,
            "devices": devices,
        }
        super().__init__(
            # Only what was given: the catalogue has the defaults ready, and every parse would make them again.
            endpoint_options={name: values for name, values in options.items() if values is not None},
            weanalysis_conn_id=weanalysis_conn_id,
            appids=appids,
            from_date=from_date,
            to_date=to_date,
            lookback=lookback,
            max_requests_in_flight=max_requests_in_flight,
            **kwargs,
        )
        self.modules = modules
        self.network_types = network_types
        self.device_levels = device_levels
        self.devices = devices
