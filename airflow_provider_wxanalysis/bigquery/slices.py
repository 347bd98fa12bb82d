"""Replacing an app's slices: merge, look whether it held, merge again if another writer got in between."""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from google.cloud.bigquery import (
    ArrayQueryParameter,
    ScalarQueryParameter,
    ScalarQueryParameterType,
    StructQueryParameter,
    StructQueryParameterType,
)

from airflow_provider_wxanalysis.bigquery.jobs import Jobs, Parameter
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.bigquery.statements import Chunk, Slice, contents_statement, merge_statement
from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.exceptions import DestinationError
from airflow_provider_wxanalysis.periods import Period

log = logging.getLogger(__name__)

HEAL_ATTEMPTS = 6
sleep = time.sleep

_PAIR = StructQueryParameterType(
    ScalarQueryParameterType("DATE", name="begin_date"), ScalarQueryParameterType("DATE", name="end_date")
)


class Contents(NamedTuple):
    """What a slice holds: rows, of how many loads, and one of those loads."""

    rows: int = 0
    loads: int = 0
    load_id: str | None = None


@dataclass
class Slices:
    """One app's slices of one table.

    :param jobs: how statements are run.
    :param table: the table.
    :param endpoint: what it holds.
    :param appid: whose rows are replaced.
    :param run_id: the Airflow run, written into every row.
    """

    jobs: Jobs
    table: TableName
    endpoint: Endpoint
    appid: str
    run_id: str
    load_ids: list[str] = field(default_factory=list)

    def replace(self, chunk: Chunk) -> None:
        """Make each slice of ``chunk`` hold exactly the rows it comes with.

        :raises DestinationError: retryable, if other writers kept interfering.
        """
        statement = merge_statement(self.table, self.endpoint)
        for attempt in range(HEAL_ATTEMPTS):
            load_id = self.jobs.run(statement, functools.partial(self._merge_parameters, chunk))
            self.load_ids.append(load_id)
            contents = self.contents(piece.period for piece in chunk.slices)
            broken = [piece for piece in chunk.slices if not _sound(piece, contents[piece.period], load_id)]
            if not broken:
                return
            log.warning("Another writer got into %s; merging again.", ", ".join(str(p.period) for p in broken))
            sleep(random.uniform(0, 2**attempt))
            chunk = Chunk()
            for piece in broken:
                chunk.add(piece)
        raise DestinationError(
            f"{self.endpoint.name} of app {self.appid}: other writers kept changing the same slices of {self.table}. "
            "Put the tasks that load this table into a pool.",
            retryable=True,
        )

    def contents(self, periods: Iterable[Period]) -> dict[Period, Contents]:
        """Return what the slices of ``periods`` hold now."""
        wanted = list(periods)
        dates = sorted({period.begin_date for period in wanted})
        parameters: list[Parameter] = [
            ScalarQueryParameter("appid", "STRING", self.appid),
            ArrayQueryParameter("dates", "DATE", dates),
        ]
        rows = self.jobs.query(contents_statement(self.table), parameters)
        found = {
            Period(row["begin_date"], row["end_date"]): Contents(row["row_count"], row["loads"], row["load_id"])
            for row in rows
        }
        return {period: found.get(period, Contents()) for period in wanted}

    def _merge_parameters(self, chunk: Chunk, job_id: str) -> list[Parameter]:
        pairs = [
            StructQueryParameter(
                None,
                ScalarQueryParameter("begin_date", "DATE", begin_date),
                ScalarQueryParameter("end_date", "DATE", end_date),
            )
            for begin_date, end_date in chunk.pairs
        ]
        return [
            ScalarQueryParameter("rows", "STRING", chunk.payload),
            ScalarQueryParameter("appid", "STRING", self.appid),
            ArrayQueryParameter("dates", "DATE", chunk.dates),
            ArrayQueryParameter("pairs", _PAIR, pairs),
            ScalarQueryParameter("load_id", "STRING", job_id),
            ScalarQueryParameter("run_id", "STRING", self.run_id),
            ScalarQueryParameter("dag_id", "STRING", self.jobs.task_instance.dag_id),
            ScalarQueryParameter("task_id", "STRING", self.jobs.task_instance.task_id),
        ]


def _sound(piece: Slice, found: Contents, load_id: str) -> bool:
    """Whether a slice holds one whole load: ours, or that of a writer who came after us and replaced it."""
    if found.loads == 1:
        return found.load_id != load_id or found.rows == piece.rows
    return found.rows == piece.rows == 0
