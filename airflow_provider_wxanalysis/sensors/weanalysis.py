"""A sensor that waits until WeChat has published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    conf,
)

from airflow_provider_wxanalysis.hooks.readiness import (
    EMPTY_IS_READY_AFTER,
    agenda,
    check,
    check_empty_is_ready_after,
    describe,
)
from airflow_provider_wxanalysis.tasks.arguments import MOST_IN_FLIGHT, Rules, with_an_end
from airflow_provider_wxanalysis.tasks.base import EndpointOperatorMixin, deadline_after, fail_for_good, is_past
from airflow_provider_wxanalysis.tasks.runs import skip
from airflow_provider_wxanalysis.tasks.signatures import SensorArguments
from airflow_provider_wxanalysis.wechat.waits import Stop

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class WeAnalysisDataSensor(EndpointOperatorMixin, BaseSensorOperator):
    """Wait until WeChat has published every period that is due in the run, of one endpoint, for every app.

    Errcode 61503 means "not yet", and so does an empty reply until ``empty_is_ready_after``. Any other error surfaces
    at once. A check costs one call per app, for its newest period; older ones are asked for once that is there. A run
    in which no period is due is skipped.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/

    Takes what Airflow's ``BaseSensorOperator`` takes (``mode="reschedule"`` gives the worker slot back between checks;
    a ``poke_interval`` of 600 s or more spares the quota; ``timeout`` ends the wait), and:

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
    :param deferrable: whether to wait in the triggerer, without a worker slot, checking every ``poke_interval``; by
        default ``[operators] default_deferrable``. ``soft_fail``, ``never_fail`` and ``silent_fail`` mean the same.
    :raises ConfigurationError: when the DAG is parsed, if an argument cannot work.
    :raises AirflowSkipException: if no period is due.
    :raises AirflowSensorTimeout: if the figures are still not there after ``timeout``.
    :raises AirflowFailException: if WeChat's answer is one that no retry can change.
    :raises WeAnalysisError: if a retry may help.
    """

    template_fields: Sequence[str] = ("weanalysis_conn_id", "appids", "from_date", "to_date")
    _stop: Stop | None = None
    _gives_up: dt.datetime | None = None
    _found = "The checks failed."
    rules: ClassVar[Rules] = {
        "empty_is_ready_after": check_empty_is_ready_after,
        "timeout": with_an_end("timeout"),
        "poke_interval": with_an_end("poke_interval"),
    }
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
        """Check once."""
        self._stop = Stop()
        with fail_for_good():
            hooks = self.hooks()
            findings = check(
                dict.fromkeys(hooks, self.due_periods(context)),
                hooks,
                self.entry,
                self.empty_is_ready_after,
                in_flight=MOST_IN_FLIGHT,
                stop=self._stop,
            )
        there = not any(finding.why for finding in findings.values())
        self._found = describe(self.entry, {str(ref): finding for ref, finding in findings.items()}, len(findings))
        self.log.info("%s", self._found if there else f"{self._found} {self._agenda()}")
        return there

    def execute(self, context: Context) -> None:
        """Wait, in the worker or in the triggerer."""
        with self._softened():
            if self.deferrable:
                self._check_or_defer(context, deadline_after(self.timeout))
            else:
                self._gives_up = _first_check(context, self.reschedule) + dt.timedelta(seconds=self.timeout)
                super().execute(context)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> None:
        """Check again, now that the trigger has fired."""
        with self._softened():
            self._check_or_defer(context, event["deadline"])

    def on_kill(self) -> None:
        """End a check that is under way."""
        if self._stop:
            self._stop.set()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Resume after a deferral."""
        with self._softened():
            return super().resume_execution(next_method, next_kwargs, context)

    def _check_or_defer(self, context: Context, deadline: str) -> None:
        self._gives_up = dt.datetime.fromisoformat(deadline)
        try:
            if self.poke(context):
                return
        except (AirflowFailException, AirflowSkipException):
            raise
        except Exception:
            if not self.silent_fail:
                raise
            self.log.exception("The check failed; silent_fail is set, so the wait continues.")
        if is_past(deadline):
            raise AirflowSensorTimeout(f"{self._found} Gave up after {self.timeout:.0f} s.")
        raise self.deferral(
            dict.fromkeys(self.app_refs(), self.due_periods(context)),
            context,
            empty_is_ready_after=self.empty_is_ready_after,
            poll_interval=self.poke_interval,
            deadline=deadline,
        )

    def _agenda(self) -> str:
        next_check = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.poke_interval)
        return agenda(min(next_check, self._gives_up or next_check), self._gives_up)

    @contextmanager
    def _softened(self) -> Iterator[None]:
        """Skip the task instead of failing it where ``soft_fail`` or ``never_fail`` says so, alike in all modes.

        Airflow's base class does so around pokes, but not for deferred sensors, nor in all its versions.
        """
        try:
            yield
        except AirflowSkipException:
            raise
        except (AirflowSensorTimeout, AirflowFailException, AirflowTaskTimeout) as error:
            if self.soft_fail or self.never_fail:
                skip(f"{error} Skipped, since {'soft_fail' if self.soft_fail else 'never_fail'} is set.")
            raise
        except Exception as error:
            if self.never_fail and self.deferrable:  # else the base class has done so
                skip(f"{error} Skipped, since never_fail is set.")
            raise


def _first_check(context: Context, reschedule: bool) -> dt.datetime:
    """Return when the sensor began to wait; a rescheduled one began before this process."""
    first = getattr(context["ti"], "get_first_reschedule_date", None) if reschedule else None
    return (first and first(context)) or dt.datetime.now(dt.UTC)
