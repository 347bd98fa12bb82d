"""A sensor that waits until WeChat has published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import AirflowSensorTimeout, BaseSensorOperator, conf

from airflow_provider_wxanalysis.exceptions import call_name
from airflow_provider_wxanalysis.hooks.readiness import EMPTY_IS_READY_AFTER, check_empty_is_ready_after, not_yet
from airflow_provider_wxanalysis.tasks.arguments import Rules
from airflow_provider_wxanalysis.tasks.base import (
    EndpointOperatorMixin,
    deadline_after,
    fail_for_good,
    is_past,
)
from airflow_provider_wxanalysis.tasks.signatures import SensorArguments

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class WeAnalysisDataSensor(EndpointOperatorMixin, BaseSensorOperator):
    """Wait until WeChat has published every period that is due in the run, of one endpoint, for every app.

    Errcode 61503 means "not yet", and so does an empty reply until ``empty_is_ready_after``. Any other error surfaces
    at once. A look costs one call per app, for its newest period; older ones are asked for once that is there. A run in
    which no period is due is skipped.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/

    Takes what Airflow's ``BaseSensorOperator`` takes (``mode="reschedule"`` gives the worker slot back between looks;
    a ``poke_interval`` of 600 s or more is kind to the quota; ``timeout`` ends the wait), and:

    :param endpoint: name of the endpoint, a key of :data:`~airflow_provider_wxanalysis.endpoints.ENDPOINTS`.
    :param endpoint_options: what the endpoint's own operator takes, such as ``{"modules": ["10022"]}``.
    :param weanalysis_conn_id: Airflow connection of type ``weanalysis``, or a list of them: one for each app.
        (templated)
    :param appids: AppIDs that the one connection serves, which then has ``auth=central``. (templated)
    :param from_date: first day to wait for instead of the run's interval: ``YYYY-MM-DD``, ``YYYYMMDD`` or a ``date``.
        (templated)
    :param to_date: last day, inclusive; the two make up whole periods. (templated)
    :param empty_is_ready_after: how long after the midnight (Asia/Shanghai) that ends a period an empty reply counts as
        "no traffic" and no longer as "not yet"; by default 15 hours, so 15:00 on the next day.
    :param deferrable: whether to wait in the triggerer, without a worker slot, looking every ``poke_interval``; by
        default ``[operators] default_deferrable``. ``soft_fail``, ``never_fail`` and ``silent_fail`` mean the same.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if no period is due.
    :raises AirflowSensorTimeout: if the figures are still not there after ``timeout``.
    :raises AirflowFailException: if WeChat's answer is one that no retry can change.
    """

    template_fields: Sequence[str] = ("weanalysis_conn_id", "appids", "from_date", "to_date")
    rules: ClassVar[Rules] = {"empty_is_ready_after": check_empty_is_ready_after}
    ui_color = "#e8f8ee"

    def __init__(
        self,
        *,
        endpoint: str,
        endpoint_options: Mapping[str, Any] | None = None,
        weanalysis_conn_id: str | Sequence[str] = "weanalysis_default",
        appids: Sequence[str] | None = None,
        from_date: str | dt.date | None = None,
        to_date: str | dt.date | None = None,
        empty_is_ready_after: dt.timedelta = EMPTY_IS_READY_AFTER,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.endpoint = endpoint
        self.endpoint_options = endpoint_options
        self.weanalysis_conn_id = weanalysis_conn_id
        self.appids = appids
        self.from_date = from_date
        self.to_date = to_date
        self.empty_is_ready_after = empty_is_ready_after
        self.deferrable = deferrable
        self.check_when_parsed()

    def poke(self, context: Context) -> bool:
        """Ask WeChat for every due period, the newest first, and stop at the first that is not there."""
        with fail_for_good():
            reason = not_yet(self.hook, self.entry, self.due_periods(context), self.empty_is_ready_after)
        if reason:
            self.log.info("%s", reason)
        return reason is None

    def execute(self, context: Context) -> None:
        """Wait, in the worker or in the triggerer."""
        if self.deferrable:
            self._ask_or_defer(context, deadline_after(self.timeout))
        else:
            super().execute(context)

    def execute_complete(self, context: Context, event: Mapping[str, str]) -> None:
        """Ask again, now that the trigger has fired."""
        self._ask_or_defer(context, event["deadline"])

    def _ask_or_defer(self, context: Context, deadline: str) -> None:
        if self.poke(context):
            return
        if is_past(deadline):
            raise AirflowSensorTimeout(
                f"{call_name(self.entry.name, appid=self.hook.appid)}: WeChat has not published what this run waits "
                f"for, after {self.timeout:.0f} s."
            )
        raise self.deferral(
            {ref: self.due_periods(context) for ref in self.app_refs()},
            context,
            empty_is_ready_after=self.empty_is_ready_after,
            poll_interval=self.poke_interval,
            deadline=deadline,
        )
