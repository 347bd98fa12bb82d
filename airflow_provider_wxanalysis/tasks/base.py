"""What operators, sensor and transfer share: an endpoint, its apps, the periods of the run, and waiting."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout, TaskDeferred

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint, resolve
from airflow_provider_wxanalysis.exceptions import ConfigurationError, WeAnalysisError
from airflow_provider_wxanalysis.folding import folded
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.tasks.apps import app_refs
from airflow_provider_wxanalysis.tasks.arguments import Rules, check_arguments
from airflow_provider_wxanalysis.tasks.arguments import is_literal as is_literal
from airflow_provider_wxanalysis.tasks.runs import run_periods, skip
from airflow_provider_wxanalysis.tasks.waiting import deadline_after as deadline_after
from airflow_provider_wxanalysis.tasks.waiting import deferral, timed_out
from airflow_provider_wxanalysis.tasks.waiting import is_past as is_past

log = logging.getLogger(__name__)

#: What Airflow's grid calls a mapped task instance: expressions, rendered when its connections have been read.
MAP_INDEX_LABEL = ("task.apps_label", "task.entry.name")

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.hooks.sharing import AppRef
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook


class EndpointOperatorMixin:
    """The arguments that say what to ask WeChat for, and what follows from them.

    Operators store the arguments and call :meth:`check_when_parsed` at the end of their constructor.
    """

    endpoint: str
    endpoint_options: Mapping[str, Any] | None
    weanalysis_conn_id: str | Sequence[str]
    appids: Sequence[str] | None = None
    from_date: str | dt.date | None
    to_date: str | dt.date | None
    execution_timeout: dt.timedelta | None

    template_fields: Sequence[str] = ("weanalysis_conn_id", "appids", "from_date", "to_date")
    #: What single arguments must pass, by name; the rule of a templated one lets anything pass that is not literal.
    rules: ClassVar[Rules] = {}
    #: The arguments that a class takes one by one instead of ``endpoint_options``.
    own_options: ClassVar[Sequence[str]] = ()
    _hooks: Mapping[AppRef, WeAnalysisHook] | None = None

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Map the task over other arguments with ``.expand(…)``; those given here are checked now, as far as literal.

        :param kwargs: arguments that all mapped instances share.
        :raises ConfigurationError: so that Airflow shows it as the DAG file's import error.
        """
        with naming(kwargs.get("task_id")):
            if "endpoint" in kwargs:
                cls._check_endpoint(given=True)
            mapped = super().partial(**kwargs)  # type: ignore[misc]
            try:
                cls._check_shared({**_defaults(mapped.kwargs, kwargs), **kwargs})
            except ConfigurationError:
                mapped._expand_called = True  # else Airflow also warns that it was not mapped
                raise
        return mapped

    @classmethod
    def _check_shared(cls, given: Mapping[str, Any]) -> None:
        """Refuse what cannot work of the arguments that mapped instances share."""
        known = {"endpoint": cls.endpoint} if hasattr(cls, "endpoint") else {}
        options = {name: given[name] for name in cls.own_options if given.get(name) is not None}
        check_arguments({**known, **({"endpoint_options": options} if options else {}), **given}, cls.rules)

    def check_when_parsed(self) -> None:
        """Refuse what cannot work, as far as it is known before templates are rendered.

        Not in an instance of a mapped task: Airflow constructs that when the task runs, and would retry. There
        :meth:`pre_execute` refuses.

        :raises ConfigurationError: so that Airflow shows it as the DAG file's import error.
        """
        if not is_mapped_instance(self):
            with naming(getattr(self, "task_id", None)):
                self.check_literals()

    def check_literals(self, *, rendered: bool = False) -> None:
        """Refuse what cannot work of the arguments that are known by now.

        :param rendered: whether the arguments are those of a task that is about to run.
        :raises ConfigurationError: naming the argument.
        """
        self._check_endpoint(given="endpoint" in vars(self))
        names = ("endpoint", "endpoint_options", *self.template_fields, *self.rules)
        # A subclass may set template fields of its own only after the constructor that calls this.
        known = {name: getattr(self, name) for name in names if hasattr(self, name)}
        check_arguments(known, self.rules, rendered=rendered)

    @classmethod
    def _check_endpoint(cls, *, given: bool) -> None:
        fixed = getattr(cls, "endpoint", None)
        if given and fixed:
            raise ConfigurationError(
                f"{cls.__name__} asks for {fixed} and takes no endpoint; use WeAnalysisOperator to name another."
            )
        if not given and not fixed:
            raise ConfigurationError(f"{cls.__name__} needs an endpoint, one of {', '.join(ENDPOINTS)}.")

    def pre_execute(self, context: Any) -> None:
        """Check rendered arguments; label mapped instances with app and endpoint, if nothing else labels them."""
        super().pre_execute(context)  # type: ignore[misc]
        with fail_for_good():
            self.check_literals(rendered=True)
        if context.get("map_index_template") is None:
            env = self.get_template_env()  # type: ignore[attr-defined]  # a DAG may have delimiters of its own
            label = [f"{env.variable_start_string} {each} {env.variable_end_string}" for each in MAP_INDEX_LABEL]
            context["map_index_template"] = " ".join(label)  # here, since Airflow overlooks defaults before 3.3

    @property
    def entry(self) -> Endpoint:
        """The catalogue's entry, with the endpoint's options applied."""
        return resolve(self.endpoint, self.endpoint_options)

    def app_refs(self) -> list[AppRef]:
        """Return the apps to ask for, each once; call it after templates are rendered.

        :raises AirflowSkipException: if another task returned an empty list of them.
        :raises ConfigurationError: if ``weanalysis_conn_id`` and ``appids`` do not go together.
        """
        refs = app_refs(self.weanalysis_conn_id, self.appids)
        if not refs:
            skip(f"{self.entry.name}: the list of apps is empty, so there is nothing to ask for.")
        return refs

    @property
    def apps_label(self) -> str:
        """The apps in a few words: by name, once their connections have been read."""
        opened = self._hooks or {}
        refs = app_refs(self.weanalysis_conn_id, self.appids)
        return folded((opened[ref].label if ref in opened else str(ref) for ref in refs), 3)

    def hook_for(self, ref: AppRef) -> WeAnalysisHook:
        """Return a hook for one app; the caller closes it."""
        from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook

        return WeAnalysisHook(ref.conn_id, ref.appid)

    def hooks(self) -> dict[AppRef, WeAnalysisHook]:
        """Return a hook for each app, in order; those of one connection read it once. The caller closes them.

        :raises AirflowSkipException: if another task returned an empty list of apps.
        """
        from airflow_provider_wxanalysis.hooks.sharing import shared_hooks

        self._hooks = hooks = shared_hooks(self.app_refs(), self.hook_for)
        return hooks

    def due_periods(self, context: Mapping[str, Any]) -> list[Period]:
        """Return the periods that are due in this run.

        :raises AirflowSkipException: if none is.
        """
        return run_periods(self.entry, context, self.from_date, self.to_date)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Resume after a deferral; if Airflow has ended it because no trigger fired in time, ask once more.

        :raises AirflowTaskTimeout: if ``execution_timeout`` is over, as in a task that waits in a worker.
        """
        if not timed_out(next_method, next_kwargs):
            return super().resume_execution(next_method, next_kwargs, context)  # type: ignore[misc]
        now, ends = dt.datetime.now(dt.UTC), self._ends_by(context)
        if ends and now >= ends:
            raise AirflowTaskTimeout(f"{self.entry.name}: execution_timeout={self.execution_timeout} is over.")
        log.warning("%s: no triggerer has ended the wait in time; asking once more.", self.entry.name)
        event = {"reason": "no triggerer", "deadline": now.isoformat(), "published": [], "waiting": []}
        return self.execute_complete(context, event)  # type: ignore[attr-defined]

    def _ends_by(self, context: Mapping[str, Any]) -> dt.datetime | None:
        """Return when ``execution_timeout`` is over, if there is one: Airflow 3 does not end deferred tasks by it."""
        started: dt.datetime | None = getattr(context["ti"], "start_date", None)
        return started + self.execution_timeout if started and self.execution_timeout else None

    def deferral(
        self,
        waits: Mapping[AppRef, Sequence[Period]],
        context: Mapping[str, Any],
        *,
        empty_is_ready_after: dt.timedelta,
        poll_interval: float,
        deadline: str,
    ) -> TaskDeferred:
        """Return what to raise to give the worker slot back until it is worth asking for ``waits`` again.

        Airflow then calls ``execute_complete`` with the trigger's event, which holds the deadline.

        :param waits: what to wait for: periods by app.
        :param context: Airflow's context.
        :param empty_is_ready_after: how long after a period's end an empty reply may mean "not yet".
        :param poll_interval: seconds between two checks.
        :param deadline: when to stop waiting: an aware time in ISO 8601.
        """
        return deferral(
            waits,
            endpoint=self.endpoint,
            endpoint_options=self.endpoint_options,
            empty_is_ready_after=empty_is_ready_after,
            poll_interval=poll_interval,
            deadline=deadline,
            ends_by=self._ends_by(context),
        )


def _defaults(parents: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``default_args`` that a mapped task's instances will get."""
    sources = [getattr(parents.get(name), "default_args", None) for name in ("dag", "task_group")]
    return {name: value for each in (*sources, given.get("default_args")) for name, value in (each or {}).items()}


def is_mapped_instance(task: object) -> bool:
    """Whether Airflow constructed an operator as one instance of a mapped task, and not while parsing the DAG."""
    return bool(getattr(task, "_BaseOperator__from_mapped", False))


@contextmanager
def naming(task_id: object) -> Iterator[None]:
    """Begin the message of a ConfigurationError with the task that it is about."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"Task {task_id!r}: {error}") from None


class _FailForGood(AbstractContextManager[None]):
    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, WeAnalysisError):
            return
        log.debug("Where the error comes from:", exc_info=error)
        if error.retryable:
            raise error.with_traceback(None) from None
        raise AirflowFailException(f"{type(error).__name__}: {error}") from None


def fail_for_good() -> AbstractContextManager[None]:
    """End the task at once, without Airflow's retries, on an error that no retry can change.

    The traceback is cut off here: what threads and libraries did below is logged at DEBUG, so that the message is the
    last line of the log, and easy to find. (A generator would not do: ``contextlib`` restores the traceback.)
    """
    return _FailForGood()
