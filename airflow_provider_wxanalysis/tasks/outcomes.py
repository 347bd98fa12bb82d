"""What became of a period of an app, and what a load does about it: a table, as data. Pure.

"Not yet" is a question of time and comes first: neither ``on_empty`` nor the kind of period changes it.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from airflow_provider_wxanalysis.exceptions import ConfigurationError, DataNotReadyError, WeAnalysisError
from airflow_provider_wxanalysis.hooks.readiness import may_still_come
from airflow_provider_wxanalysis.periods import Period

OnEmpty = Literal["fail", "skip", "replace"]
ON_EMPTY: tuple[OnEmpty, ...] = ("fail", "skip", "replace")


def check_on_empty(value: Any) -> None:
    """Refuse what is not one of :data:`ON_EMPTY`.

    :raises ConfigurationError: naming the argument.
    """
    if value not in ON_EMPTY:
        raise ConfigurationError(f"on_empty must be one of {', '.join(ON_EMPTY)}, got {value!r}.")


class Outcome(enum.Enum):
    """What asking for one period of one app came to."""

    ROWS = "rows"
    EMPTY = "empty"
    NOT_YET = "not yet"
    REFUSED = "refused"


class Role(enum.Enum):
    """Why a period was asked for: it is due in the run, or its figures may have grown."""

    DUE = "due"
    LOOKBACK = "lookback"


class Effect(enum.Enum):
    """What becomes of the slice."""

    WRITE = "holds exactly WeChat's rows"
    CLEAR = "is emptied"
    KEEP = "stays as it is"


class Verdict(enum.Enum):
    """What it means for the task."""

    FINE = "success"
    RECORD = "success, and recorded"
    SKIP = "success, and recorded, if the slice holds no rows; it skips if nothing was loaded"
    SETTLE = "success, and recorded, if the slice holds no rows; else an error"
    WAIT = "waits for it in the triggerer"
    WARN = "a warning"
    FAIL = "an error"


#: What a final empty reply for a due period means; each way it is recorded, if the slice holds no rows in the end.
EMPTY_VERDICTS: Mapping[OnEmpty, Verdict] = {
    "fail": Verdict.SETTLE,
    "skip": Verdict.SKIP,
    "replace": Verdict.RECORD,
}


class Course(NamedTuple):
    """What a load does about an outcome."""

    effect: Effect
    verdict: Verdict


class Reply(Protocol):
    """The part of an answer that decides what became of its period."""

    @property
    def period(self) -> Period:
        """The period asked for."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]] | None:
        """Its rows, unless there was an error."""

    @property
    def error(self) -> WeAnalysisError | None:
        """Why there are none."""

    @property
    def empty_parts(self) -> Sequence[str]:
        """Parts of the period, such as modules of performance data, that came without rows."""


def classify(reply: Reply, now: dt.datetime, empty_is_ready_after: dt.timedelta) -> Outcome:
    """Return what became of a period.

    :param reply: the answer.
    :param now: when it came; aware.
    :param empty_is_ready_after: how long after a period's end an empty reply, or an empty part of one, is "not yet".
    """
    if reply.error is not None:
        return Outcome.NOT_YET if isinstance(reply.error, DataNotReadyError) else Outcome.REFUSED
    if (not reply.rows or reply.empty_parts) and may_still_come(reply.period, now, empty_is_ready_after):
        return Outcome.NOT_YET
    return Outcome.ROWS if reply.rows else Outcome.EMPTY


def course(outcome: Outcome, role: Role, on_empty: OnEmpty, *, may_wait: bool) -> Course:
    """Return what a load does about an outcome.

    :param outcome: what became of the period.
    :param role: whether it is due in the run, or earlier.
    :param on_empty: the operator's argument.
    :param may_wait: whether the task can wait in the triggerer: it is deferrable, and its time is not up.
    """
    due = role is Role.DUE
    match outcome:
        case Outcome.ROWS:
            return Course(Effect.WRITE, Verdict.FINE)
        case Outcome.EMPTY:
            effect = Effect.CLEAR if on_empty == "replace" else Effect.KEEP
            return Course(effect, EMPTY_VERDICTS[on_empty] if due else Verdict.FINE)
        case Outcome.NOT_YET if due and may_wait:
            return Course(Effect.KEEP, Verdict.WAIT)
        case _:
            return Course(Effect.KEEP, Verdict.FAIL if due else Verdict.WARN)
