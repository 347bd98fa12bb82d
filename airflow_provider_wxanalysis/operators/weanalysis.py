"""Operators that return an endpoint's rows, for small looks and for tasks of your own.

Rows pass through XCom, so this is for days, not for years; loads into BigQuery are
:class:`~airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery.WeAnalysisToBigQueryOperator`'s work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_wxanalysis.endpoints import portrait_name
from airflow_provider_wxanalysis.tasks.base import EndpointOperatorMixin, fail_for_good
from airflow_provider_wxanalysis.tasks.runs import earlier_periods, lookback_offsets

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class WeAnalysisOperator(EndpointOperatorMixin, BaseOperator):
    """Fetch any endpoint of the catalogue for the periods that the run owes.

    A period is due in the run whose data interval holds its end (midnight in Asia/Shanghai after its last day). A run
    that owes none is skipped.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/

    :param endpoint: name of the endpoint, a key of :data:`~airflow_provider_wxanalysis.endpoints.ENDPOINTS`.
    :param endpoint_options: what the endpoint's own operator takes, such as ``{"modules": ["10022"]}``.
    :param weanalysis_conn_id: Airflow connection of type ``weanalysis``. (templated)
    :param from_date: first day to fetch instead of the run's interval, ``YYYY-MM-DD`` or ``YYYYMMDD``. (templated)
    :param to_date: last day, inclusive; the two make up whole periods. (templated)
    :param lookback: how many earlier periods to fetch as well, or which offsets, such as ``[1, 7]``. None by default;
        portraits have none.
    :return: the rows of all periods, in order, as a list of dicts ready for JSON: ``appid``, ``begin_date``,
        ``end_date``, ``ref_date``, the endpoint's own columns and ``_extra``.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if no period is due.
    :raises AirflowFailException: if WeChat's answer is one that no retry mends.
    :raises WeAnalysisError: if a retry may mend it.
    """

    template_fields: Sequence[str] = EndpointOperatorMixin.template_fields
    ui_color = "#e8f8ee"

    def __init__(
        self,
        *,
        endpoint: str,
        endpoint_options: Mapping[str, Any] | None = None,
        weanalysis_conn_id: str = "weanalysis_default",
        from_date: str | None = None,
        to_date: str | None = None,
        lookback: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.endpoint = endpoint
        self.endpoint_options = endpoint_options
        self.weanalysis_conn_id = weanalysis_conn_id
        self.from_date = from_date
        self.to_date = to_date
        self.lookback = lookback
        self.check_literals()
        lookback_offsets(lookback)

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Fetch the rows."""
        with fail_for_good():
            due = self.due_periods(context)
            earlier = earlier_periods(self.entry, due, lookback_offsets(self.lookback))
            return [row for _, rows in self.hook.fetch_many(self.entry, sorted([*earlier, *due])) for row in rows]


class WeAnalysisDailySummaryOperator(WeAnalysisOperator):
    """Fetch users in all and sharing, per day.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getdailysummary.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="daily_summary", **kwargs)


class WeAnalysisDailyVisitTrendOperator(WeAnalysisOperator):
    """Fetch visits per day.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-trend/api_getdailyvisittrend.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="daily_visit_trend", **kwargs)


class WeAnalysisWeeklyVisitTrendOperator(WeAnalysisOperator):
    """Fetch visits per natural week.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-trend/api_getweeklyvisittrend.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="weekly_visit_trend", **kwargs)


class WeAnalysisMonthlyVisitTrendOperator(WeAnalysisOperator):
    """Fetch visits per natural month.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-trend/api_getmonthlyvisittrend.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="monthly_visit_trend", **kwargs)


class WeAnalysisVisitDistributionOperator(WeAnalysisOperator):
    """Fetch visits by source, stay time and depth, per day.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getvisitdistribution.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="visit_distribution", **kwargs)


class WeAnalysisDailyRetainOperator(WeAnalysisOperator):
    """Fetch retention by day, which grows for 30 days.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-retain/api_getdailyretain.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="daily_retain", **kwargs)


class WeAnalysisWeeklyRetainOperator(WeAnalysisOperator):
    """Fetch retention by week, which grows for four weeks.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-retain/api_getweeklyretain.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="weekly_retain", **kwargs)


class WeAnalysisMonthlyRetainOperator(WeAnalysisOperator):
    """Fetch retention by month, which grows for one month.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/visit-retain/api_getmonthlyretain.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="monthly_retain", **kwargs)


class WeAnalysisVisitPageOperator(WeAnalysisOperator):
    """Fetch visits per page, the top 200 of each day.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getvisitpage.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(endpoint="visit_page", **kwargs)


class WeAnalysisUserPortraitOperator(WeAnalysisOperator):
    """Fetch who the visitors are: province, city, gender, platform, device and age.

    WeChat answers only for windows that end yesterday: a run that owes another one is skipped, and a day not collected
    is lost.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getuserportrait.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``, and:

    :param window_days: how many days the portrait covers: 1, 7 or 30.
    """

    def __init__(self, *, window_days: int = 1, **kwargs: Any) -> None:
        super().__init__(endpoint=portrait_name(window_days), **kwargs)
        self.window_days = window_days


class WeAnalysisPerformanceDataOperator(WeAnalysisOperator):
    """Fetch start-up, page-switch and memory figures, one request per day, module and combination of filters.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/others/api_getperformancedata.html

    Takes what :class:`WeAnalysisOperator` takes, but for ``endpoint`` and ``endpoint_options``, and:

    :param modules: any of ``10016`` (open rate), ``10017`` (start-up), ``10021`` (page switch), ``10022`` (memory) and
        ``10023`` (memory anomalies); by default all five.
    :param network_types: any of ``all``, ``3g``, ``4g``, ``wifi``; by default ``all``.
    :param device_levels: any of ``all``, ``1`` (high), ``2`` (middle), ``3`` (low); by default ``all``.
    :param devices: any of ``all``, ``1`` (iOS), ``2`` (Android); by default ``all``.
    """

    def __init__(
        self,
        *,
        modules: Sequence[str] | None = None,
        network_types: Sequence[str] | None = None,
        device_levels: Sequence[str] | None = None,
        devices: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        options = {
            "modules": modules,
            "network_types": network_types,
            "device_levels": device_levels,
            "devices": devices,
        }
        # What is left out the catalogue has ready: putting it together again would cost every parse.
        given = {name: values for name, values in options.items() if values is not None}
        super().__init__(endpoint="performance_data", endpoint_options=given, **kwargs)
        self.modules = modules
        self.network_types = network_types
        self.device_levels = device_levels
        self.devices = devices
