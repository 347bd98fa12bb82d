"""A table whose slices are replaced: merge, verify, and merge again if another writer got in between."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from google.cloud.bigquery import (
    ArrayQueryParameter,
    Client,
    ScalarQueryParameter,
    ScalarQueryParameterType,
    StructQueryParameter,
    StructQueryParameterType,
)

from airflow_provider_wxanalysis.bigquery.chunks import MAX_SLICES, Chunk, Key, Slice, appids, dates
from airflow_provider_wxanalysis.bigquery.clients import bigquery_client
from airflow_provider_wxanalysis.bigquery.identity import TaskIdentity
from airflow_provider_wxanalysis.bigquery.jobs import Jobs, Parameter
from airflow_provider_wxanalysis.bigquery.labels import ENDPOINT_LABEL
from airflow_provider_wxanalysis.bigquery.ledger import Ledger
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.bigquery.statements import contents_statement, merge_statement
from airflow_provider_wxanalysis.bigquery.tables import expires_after, prepare_table
from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.exceptions import DestinationError, Failure, call_name
from airflow_provider_wxanalysis.folding import folded
from airflow_provider_wxanalysis.periods import Period

log = logging.getLogger(__name__)

HEAL_ATTEMPTS = 6

_SLICE = StructQueryParameterType(
    ScalarQueryParameterType("STRING", name="appid"),
    ScalarQueryParameterType("DATE", name="begin_date"),
    ScalarQueryParameterType("DATE", name="end_date"),
)


class Contents(NamedTuple):
    """What a slice holds: rows, of how many loads, the first of those loads, and when the newest row was written."""

    rows: int = 0
    loads: int = 0
    load_id: str | None = None
    loaded_at: dt.datetime | None = None


def open_destination(
    table: TableName,
    endpoint: Endpoint,
    *,
    identity: TaskIdentity,
    gcp_conn_id: str | None = None,
    project_id: str | None = None,
    location: str | None = None,
    impersonation_chain: str | Sequence[str] | None = None,
    create_dataset: bool = False,
    labels: Mapping[str, str] | None = None,
    encryption_configuration: Mapping[str, Any] | None = None,
) -> Destination:
    """Connect to BigQuery and return the table, created or widened where needed, ready to be written to.

    Touches no state but its own, so a thread can call it while another one is asking WeChat.

    :param table: the table.
    :param endpoint: what it holds.
    :param identity: the task instance and try that writes.
    :param gcp_conn_id: Google Cloud connection; ``None`` for the machine's own credentials.
    :param project_id: project that runs the jobs; by default the connection's own, else the table's.
    :param location: where to make a missing dataset; jobs run where the dataset is.
    :param impersonation_chain: service account, or chain of them, to act as.
    :param create_dataset: whether to make a missing dataset.
    :param labels: labels for jobs, and for the table if it is made here.
    :param encryption_configuration: ``{"kmsKeyName": …}`` for the table if it is made here.
    :raises DestinationError: if BigQuery refuses, or the table cannot hold the endpoint.
    :raises ConfigurationError: if there are no credentials.
    """
    client = bigquery_client(
        gcp_conn_id=gcp_conn_id,
        project_id=project_id,
        fallback_project=table.project,
        location=location,
        impersonation_chain=impersonation_chain,
    )
    try:
        found = prepare_table(
            client,
            table,
            endpoint,
            create_dataset=create_dataset,
            location=location,
            labels=labels or {},
            encryption_configuration=encryption_configuration,
        )
    except BaseException:
        client.close()
        raise
    job_labels = {ENDPOINT_LABEL: endpoint.name, **(labels or {})}
    jobs = Jobs(client, found.location or location, identity, table, job_labels)
    return Destination(client, jobs, identity, table, endpoint, expires_after(found))


class Destination:
    """A table of one endpoint, as one try of a task writes to it. A context manager that closes its connections.

    :param client: BigQuery client.
    :param jobs: how statements are run.
    :param identity: the task instance and try, written into every row.
    :param table: the table.
    :param endpoint: what it holds.
    :param expiration: how long after its day a partition is dropped; ``None`` if it stays.
    """

    def __init__(
        self,
        client: Client,
        jobs: Jobs,
        identity: TaskIdentity,
        table: TableName,
        endpoint: Endpoint,
        expiration: dt.timedelta | None = None,
    ) -> None:
        self.client = client
        self.jobs = jobs
        self.identity = identity
        self.table = table
        self.endpoint = endpoint
        self.expiration = expiration
        self.load_ids: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the client's connections."""
        self.client.close()

    def cancel(self) -> None:
        """Cancel the statement that is running, and have waiting threads end within seconds."""
        self.jobs.cancel()

    def query(self, statement: str, parameters: Sequence[Parameter] = ()) -> list[Any]:
        """Run a query that changes nothing, where the table is, and return its rows."""
        return self.jobs.query(statement, parameters)

    def replace(self, chunk: Chunk) -> list[Failure]:
        """Make each slice of ``chunk`` hold exactly the rows it comes with.

        :return: the slices that did not stay, because the table drops partitions of their age.
        :raises DestinationError: retryable, if other writers kept interfering.
        :raises SupersededError: if a later try of the same task has begun to write.
        """
        # local-bigquery has no named arguments in a MERGE; its PARSE_JSON takes every number without them.
        named_arguments = "BIGQUERY_EMULATOR_HOST" not in os.environ
        statement = merge_statement(self.table, self.endpoint, named_arguments=named_arguments)
        dropped: list[Failure] = []
        for attempt in range(HEAL_ATTEMPTS):
            if attempt:
                log.warning("Another writer got into %s; merging again.", _listed(chunk.slices))
                self.jobs.calls.pause(random.uniform(0, 2 ** (attempt - 1)))
            load_id = self.jobs.run(statement, functools.partial(self._merge_parameters, chunk))
            self.load_ids.append(load_id)
            contents = self.contents(chunk.keys)
            broken = []
            for piece in chunk.slices:
                if self.drops(piece.period) and not contents[piece.key].rows and piece.rows:
                    dropped.append(Failure(*piece.key, self._expired(piece)))
                elif not _sound(piece, contents[piece.key], load_id):
                    broken.append(piece)
            if not broken:
                return dropped
            chunk = Chunk()
            for piece in broken:
                chunk.add(piece)
        raise DestinationError(
            f"{self.endpoint.name}: other writers kept changing the same slices of {self.table} ({_listed(broken)}). "
            "Put the tasks that load this table into a pool.",
            retryable=True,
        )

    def contents(self, keys: Iterable[Key]) -> dict[Key, Contents]:
        """Return what slices hold now.

        :param keys: AppID and period of each slice.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Contents] = {}
        for start in range(0, len(wanted), MAX_SLICES):
            for row in self.query(contents_statement(self.table), _slices(wanted[start : start + MAX_SLICES])):
                key = row["appid"], Period(row["begin_date"], row["end_date"])
                found[key] = Contents(row["row_count"], row["loads"], row["load_id"], row["loaded_at"])
        return {key: found.get(key, Contents()) for key in wanted}

    def record_empty(self, keys: Iterable[Key]) -> None:
        """Record slices that were accepted as empty.

        :param keys: AppID and period of each.
        """
        ledger = Ledger(
            self.client, self.table.project, self.table.dataset, self.jobs.location, self.jobs.labels, self.jobs.calls
        )
        ledger.record_empty(self.endpoint.label, keys, self.identity.run_id)

    def drops(self, period: Period) -> bool:
        """Whether the table drops a period's rows at once, as its partition is too old."""
        return self.expiration is not None and period.begin_date <= (dt.datetime.now(dt.UTC) - self.expiration).date()

    def _expired(self, piece: Slice) -> DestinationError:
        table = f"{self.table.project}:{self.table.dataset}.{self.table.table}"
        days = self.expiration.days if self.expiration else 0
        return DestinationError(
            f"{call_name(self.endpoint.name, piece.period, piece.appid)}: its rows did not stay in {self.table}, which "
            f"drops partitions {days} days after their day. Load younger periods, or keep partitions for good: "
            f"bq update --time_partitioning_expiration 0 {table}."
        )

    def _merge_parameters(self, chunk: Chunk, job_id: str) -> list[Parameter]:
        return [
            ScalarQueryParameter("rows", "STRING", chunk.payload),
            *_slices(chunk.keys),
            ScalarQueryParameter("load_id", "STRING", job_id),
            ScalarQueryParameter("run_id", "STRING", self.identity.run_id),
            ScalarQueryParameter("dag_id", "STRING", self.identity.dag_id),
            ScalarQueryParameter("task_id", "STRING", self.identity.task_id),
        ]


def _slices(keys: Sequence[Key]) -> list[Parameter]:
    """Return the parameters that name slices."""
    structs = [
        StructQueryParameter(
            None,
            ScalarQueryParameter("appid", "STRING", appid),
            ScalarQueryParameter("begin_date", "DATE", period.begin_date),
            ScalarQueryParameter("end_date", "DATE", period.end_date),
        )
        for appid, period in keys
    ]
    return [
        ArrayQueryParameter("appids", "STRING", appids(keys)),
        ArrayQueryParameter("dates", "DATE", dates(keys)),
        ArrayQueryParameter("slices", _SLICE, structs),
    ]


def _sound(piece: Slice, found: Contents, load_id: str) -> bool:
    """Whether a slice holds one whole load: ours, or that of a writer who came after us and replaced it."""
    if found.loads == 1:
        return found.load_id != load_id or found.rows == piece.rows
    return found.rows == piece.rows == 0


def _listed(slices: Sequence[Slice]) -> str:
    """Name slices, a few of them."""
    return folded(f"{piece.period} of app {piece.appid}" for piece in slices)
