"""Taking in answers: what became of each period, what follows from it, and what is to be written."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pendulum

from airflow_provider_wxanalysis.bigquery.chunks import Key, Slice, encode
from airflow_provider_wxanalysis.exceptions import EmptyReportError, Failure, WeAnalysisError, call_name
from airflow_provider_wxanalysis.folding import counted
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.tasks.outcomes import (
    EMPTY_VERDICTS,
    Effect,
    OnEmpty,
    Outcome,
    Role,
    Verdict,
    classify,
    course,
)
from airflow_provider_wxanalysis.tasks.progress import Progress
from airflow_provider_wxanalysis.tasks.settling import lifeless
from airflow_provider_wxanalysis.tasks.tally import Tally

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.catalogue.rows import Row
    from airflow_provider_wxanalysis.endpoints import Endpoint
    from airflow_provider_wxanalysis.hooks.sharing import AppRef
    from airflow_provider_wxanalysis.wechat.lanes import Answer

log = logging.getLogger(__name__)

#: How many lines the log has about what could not be fetched; the error at the end counts all of it.
_COMPLAINTS = 20


@dataclass(frozen=True)
class Terms:
    """How a load fetches, as the operator's arguments say.

    :param endpoint: the catalogue's entry.
    :param on_empty: what an empty reply means past its time.
    :param empty_is_ready_after: how long after a period's end it means "not yet".
    :param in_flight: requests to WeChat at once, of all apps together.
    :param may_wait: whether the task can wait for what is not there yet.
    :param by_need: whether earlier periods are fetched only where their figures can have grown.
    :param loaded_since: what this very task has loaded since then, in an earlier try or before a wait, is not fetched
        again; aware, or ``None`` if it cannot have loaded anything.
    """

    endpoint: Endpoint
    on_empty: OnEmpty
    empty_is_ready_after: dt.timedelta
    in_flight: int = 64
    may_wait: bool = False
    by_need: bool = False
    loaded_since: dt.datetime | None = None


class Intake:
    """Decides about every answer by the table of outcomes, and counts.

    :param terms: how the load fetches.
    :param tally: where things are counted.
    :param progress: what the log shows meanwhile.
    """

    def __init__(self, terms: Terms, tally: Tally, progress: Progress) -> None:
        self._terms = terms
        self._tally = tally
        self._progress = progress
        self._complaints: set[int] = set()
        self._doubles: set[AppRef] = set()
        #: The apps by AppID, each as the arguments first named it.
        self.apps: dict[str, AppRef] = {}
        #: Apps whose earlier periods are not asked for: they do not answer, or have not published yet.
        self.held_back: set[AppRef] = set()
        #: Empty replies for due periods that the table has to confirm, and what they mean.
        self.unsettled: dict[Key, Verdict] = {}
        #: Slices to empty, if they hold anything.
        self.to_clear: dict[Key, Role] = {}
        #: Retention figures with a cohort without users, to be compared with the table.
        self.doubtful: dict[Key, Sequence[Row]] = {}

    def take(self, answer: Answer, ref: AppRef, role: Role) -> Slice | None:
        """Take in one answer and return the slice to write, if there is one.

        :param answer: the answer.
        :param ref: the app it is about.
        :param role: why it was asked for.
        """
        appid = answer.client.appid if answer.client else str(ref)
        if answer.client and not self._is_first(appid, ref):
            return None
        terms, key = self._terms, (appid, answer.period)
        outcome = classify(answer, pendulum.now(SHANGHAI), terms.empty_is_ready_after)
        what = course(outcome, role, terms.on_empty, may_wait=terms.may_wait)
        rows: Sequence[Row] = answer.rows or []
        name = answer.client and answer.client.settings.app_name
        app = f"{appid} ({name})" if name else appid
        self._progress.got(
            call_name(terms.endpoint.name, answer.period, app), self._told(outcome, rows, answer.empty_parts)
        )
        if outcome is Outcome.EMPTY:
            self._tally.empty.add(key)
        if outcome is Outcome.ROWS:
            self._tally.empty_parts.update(answer.empty_parts)
        error = answer.error
        if outcome is Outcome.NOT_YET or (error and error.stops_app):
            self.held_back.add(ref)
        if outcome is Outcome.NOT_YET:
            error = error or self._early(answer, appid)
        self._follow(what.verdict, key, ref, role, error)
        if what.effect is Effect.CLEAR:
            self.to_clear[key] = role
        if what.effect is not Effect.WRITE:
            return None
        if rows and terms.endpoint.refresh_offsets and lifeless(rows) and terms.on_empty != "replace":
            self.doubtful[key] = rows
            return None
        return self.encoded(key, rows, role)

    def encoded(self, key: Key, rows: Sequence[Row], role: Role) -> Slice | None:
        """Return a slice to write; ``None`` if it cannot be written at all."""
        appid, period = key
        try:
            piece = encode(self._terms.endpoint, appid, period, rows)
        except WeAnalysisError as error:
            verdict = Verdict.FAIL if role is Role.DUE else Verdict.WARN
            self._follow(verdict, key, self.apps[appid], role, error)
            return None
        if rows:
            self._tally.rows[key] = len(rows)
        if self._terms.endpoint.truncated(len(rows)):
            self._tally.truncated.add(key)
        return piece

    def _is_first(self, appid: str, ref: AppRef) -> bool:
        first = self.apps.setdefault(appid, ref)
        if first != ref and ref not in self._doubles:
            self._doubles.add(ref)
            log.warning("%s and %s are the same app, %s: it is loaded once, through the former.", first, ref, appid)
        return first == ref

    def _follow(self, verdict: Verdict, key: Key, ref: AppRef, role: Role, error: WeAnalysisError | None) -> None:
        if verdict in EMPTY_VERDICTS.values():
            self.unsettled[key] = verdict
        if verdict is Verdict.WAIT:
            self._tally.waits[ref].append(key[1])
        if error and verdict in (Verdict.FAIL, Verdict.WARN):
            (self._tally.failures if verdict is Verdict.FAIL else self._tally.warnings).append(Failure(*key, error))
            self._complain(error, role)

    def _complain(self, error: WeAnalysisError, role: Role) -> None:
        if id(error) in self._complaints:
            return
        self._complaints.add(id(error))
        if len(self._complaints) <= _COMPLAINTS:
            log.warning("%s%s", "" if role is Role.DUE else "Left as it is in the table: ", error)
        elif len(self._complaints) == _COMPLAINTS + 1:
            log.warning("More could not be fetched; the end of the load lists all of it.")

    def _told(self, outcome: Outcome, rows: Sequence[Row], parts: Sequence[str]) -> str:
        if outcome is not Outcome.ROWS:
            return str(outcome.value)
        limit = self._terms.endpoint.row_limit
        truncated = f" (WeChat lists {limit} at most)" if self._terms.endpoint.truncated(len(rows)) else ""
        nothing = f"; nothing for {', '.join(parts)}" if parts else ""
        return f"{counted(len(rows), 'row')}{truncated}{nothing}"

    def _early(self, answer: Answer, appid: str) -> EmptyReportError:
        parts = f"{', '.join(answer.empty_parts)} came" if answer.empty_parts and answer.rows else "the reply came"
        ready = answer.period.closes_at + self._terms.empty_is_ready_after
        return EmptyReportError(
            f"{call_name(self._terms.endpoint.name, answer.period, appid)}: {parts} empty, which may mean that WeChat "
            f"has not published yet. Ask again later; from {ready:%Y-%m-%d %H:%M} Asia/Shanghai on, empty means empty.",
            retryable=True,
        )
