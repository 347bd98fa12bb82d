"""Every outcome, provoked at a real server and loaded into a real table, and what became of slice and task."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import logging
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self
from unittest import mock

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, TaskDeferred

from airflow_provider_wxanalysis.bigquery.clients import bigquery_client
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.tasks.outcomes import ON_EMPTY, OnEmpty, Role
from airflow_provider_wxanalysis.testing import WeChatServer
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.support.contexts import run_context

APP = "wx00000000000000a1"
ENDPOINT = "daily_summary"
#: Not long ago, since "not yet" may last a year at most.
FIRST = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=300)
EMPTY: dict[str, Any] = {"list": []}


@dataclass(frozen=True)
class Reply:
    """What WeChat answers.

    :param body: the reply; ``None`` for the figures that it has, which are not those in the table.
    :param early: whether it comes at a time when WeChat may not have published yet.
    :param held: whether the table holds rows of the period.
    """

    body: dict[str, Any] | None = None
    early: bool = False
    held: bool = True


REPLIES: Mapping[str, Reply] = {
    "rows": Reply(),
    "empty, before `empty_is_ready_after`": Reply(EMPTY, early=True),
    "empty later, the table holds rows": Reply(EMPTY),
    "empty later, the table holds none": Reply(EMPTY, held=False),
    "not published (61503)": Reply({"errcode": 61503, "errmsg": "not ready"}),
    "refused (61501)": Reply({"errcode": 61501, "errmsg": "date range error"}),
}


class Case(NamedTuple):
    """A reply, the kind of period it is for, and the operator's arguments."""

    reply: str
    role: Role
    on_empty: OnEmpty
    deferrable: bool


CASES = [Case(*each) for each in itertools.product(REPLIES, Role, ON_EMPTY, (False, True))]


class Course(NamedTuple):
    """What became of it, in the page's words."""

    slice: str
    task: str


class Laboratory:
    """Both servers, one table, and a pair of days for each case: an earlier one and the one that is due."""

    def __init__(self, dataset: str) -> None:
        self.server = WeChatServer(published_at=dt.time(0))
        self.dataset = dataset
        self.table = f"{dataset}.{ENDPOINT}"
        self._warnings = _Warnings()
        self._rows: dict[str, int] = {}

    def __enter__(self) -> Self:
        self.server.start()
        self.client = bigquery_client(
            gcp_conn_id=None, project_id=None, fallback_project=self.dataset.split(".")[0], location=None,
            impersonation_chain=None,
        )  # fmt: skip
        self.client.create_dataset(self.dataset, exists_ok=True)
        logging.getLogger("airflow_provider_wxanalysis").addHandler(self._warnings)
        held = [self._day(case) for case in CASES if REPLIES[case.reply].held]
        held += [self._other_day(case) for case in CASES if case.role is Role.LOOKBACK]
        for day in held:
            self.server.override(ENDPOINT, APP, day, lambda reply: {"list": [{**reply["list"][0], "share_pv": 1}]})
        for day in {self._day(case) for case in CASES} - set(held):
            self.server.override(ENDPOINT, APP, day, EMPTY)
        first, last = min(held), max(held)
        self._load(from_date=first, to_date=last, lookback=0, on_empty="skip", empty_is_ready_after=dt.timedelta(0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        logging.getLogger("airflow_provider_wxanalysis").removeHandler(self._warnings)
        self.client.close()
        self.server.stop()

    def course(self, case: Case) -> Course:
        """Load one day with another one before it, of which one comes to the case's reply."""
        reply, day = REPLIES[case.reply], self._day(case)
        for each in (day, self._other_day(case)):
            self.server.override(ENDPOINT, APP, each, lambda it: {"list": [{**it["list"][0], "share_pv": 2}]})
        if reply.body is not None:
            self.server.override(ENDPOINT, APP, day, reply.body)
        due = max(day, self._other_day(case)) if case.role is Role.LOOKBACK else day
        self._warnings.count = 0
        before = self._held(day)
        task = self._task(
            case,
            from_date=due,
            to_date=due,
            lookback=1 if case.role is Role.LOOKBACK else 0,
            empty_is_ready_after=dt.timedelta(days=365) if reply.early else dt.timedelta(0),
        )
        after = self._held(day)
        became = "WeChat's rows" if after == 2 else "emptied" if before and not after else "as it was"
        return Course(became, task)

    def _task(self, case: Case, **arguments: Any) -> str:
        try:
            self._load(on_empty=case.on_empty, deferrable=case.deferrable, **arguments)
        except TaskDeferred as deferred:
            ((waits,),) = [app["periods"] for app in deferred.trigger.apps]  # type: ignore[union-attr]
            assert waits == [str(arguments["from_date"])] * 2
            return "waits for it"
        except AirflowSkipException:
            return "skipped"
        except AirflowFailException:
            return "fails for good"
        except WeAnalysisError:
            return "fails, Airflow retries"
        return "success, a warning" if self._warnings.count else "success"

    def _load(self, **arguments: Any) -> None:
        connection = json.dumps(self.server.connection(APP))
        task = WeAnalysisToBigQueryOperator(
            task_id="load",
            endpoint=ENDPOINT,
            destination_project_dataset_table=self.table,
            weanalysis_conn_id="outcomes",
            gcp_conn_id=None,
            **arguments,
        )
        with mock.patch.dict(os.environ, AIRFLOW_CONN_OUTCOMES=connection):
            task.execute(run_context(None, dt.datetime.now(dt.UTC), run_id=uuid.uuid4().hex))

    def _held(self, day: dt.date) -> int | None:
        """Return the figure that the table has of a day."""
        rows = list(self.client.query_and_wait(f"SELECT share_pv FROM `{self.table}` WHERE begin_date = '{day}'"))
        assert len(rows) <= 1
        return rows[0][0] if rows else None

    @staticmethod
    def _day(case: Case) -> dt.date:
        """Return the day that comes to the case's reply."""
        return FIRST + dt.timedelta(days=2 * CASES.index(case))

    def _other_day(self, case: Case) -> dt.date:
        """Return the day after it, which is due where the case's is not."""
        return self._day(case) + dt.timedelta(days=1)


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
