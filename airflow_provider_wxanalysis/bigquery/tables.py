"""The table an endpoint is loaded into: created if missing, widened if columns are, refused if it is another's."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.clients import TIMEOUT
from airflow_provider_wxanalysis.bigquery.errors import explained
from airflow_provider_wxanalysis.bigquery.labels import ENDPOINT_LABEL
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.catalogue.columns import LEADING, Column
from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.exceptions import DestinationError

log = logging.getLogger(__name__)


#: BigQuery answers with the older names of these types.
_LEGACY_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_PATCH_ATTEMPTS = 3


def prepare_table(
    client: bigquery.Client,
    name: TableName,
    endpoint: Endpoint,
    *,
    create_dataset: bool,
    location: str | None,
    labels: Mapping[str, str],
    encryption_configuration: Mapping[str, Any] | None,
) -> bigquery.Table:
    """Return the table, ready to be written to.

    :param client: BigQuery client.
    :param name: the table.
    :param endpoint: what will be loaded.
    :param create_dataset: whether to make a missing dataset.
    :param location: where to make it.
    :param labels: labels of a table made here.
    :param encryption_configuration: ``{"kmsKeyName": …}`` of a table made here.
    :raises DestinationError: if the table cannot hold the endpoint, or the dataset is missing.
    """
    with explained(f"Table {name}"):
        for _ in range(_PATCH_ATTEMPTS):
            try:
                table = client.get_table(str(name), timeout=TIMEOUT)
            except NotFound:
                _require_dataset(client, name, create_dataset, location)
                new = new_table(name, endpoint, labels, encryption_configuration)
                # Another task may have made it meanwhile: then it is read and checked like any other.
                table = client.create_table(new, exists_ok=True, timeout=TIMEOUT)
            try:
                return _fit(client, table, endpoint)
            except PreconditionFailed:
                log.info("Table %s was changed meanwhile; reading it again.", name)
    raise DestinationError(f"Table {name} kept changing while columns were being added; nothing was written.")


def new_table(
    name: TableName, endpoint: Endpoint, labels: Mapping[str, str], encryption_configuration: Mapping[str, Any] | None
) -> bigquery.Table:
    """Return the definition of an endpoint's table."""
    table = bigquery.Table(str(name), schema=[_schema_field(column) for column in endpoint.table_columns])
    table.description = endpoint.description
    table.time_partitioning = bigquery.TimePartitioning(field="begin_date")
    table.clustering_fields = ["appid"]
    table.labels = {**labels, ENDPOINT_LABEL: endpoint.label}
    if encryption_configuration:
        table.encryption_configuration = bigquery.EncryptionConfiguration.from_api_repr(dict(encryption_configuration))
    return table


def _require_dataset(client: bigquery.Client, name: TableName, create: bool, location: str | None) -> None:
    reference = bigquery.DatasetReference(name.project, name.dataset)
    try:
        client.get_dataset(reference, timeout=TIMEOUT)
    except NotFound:
        if not create:
            raise DestinationError(
                f"Dataset {name.project}.{name.dataset} does not exist. Create it (bq mk --dataset --location=LOCATION "
                f"{name.project}:{name.dataset}), or set create_dataset=True. Nothing was written."
            ) from None
        dataset = bigquery.Dataset(reference)
        dataset.location = location
        client.create_dataset(dataset, exists_ok=True, timeout=TIMEOUT)


def expires_after(table: bigquery.Table) -> dt.timedelta | None:
    """Return how long after its day a partition of the table is dropped; ``None`` if it stays."""
    partitioning = table.time_partitioning
    if partitioning is None or not partitioning.expiration_ms:
        return None
    return dt.timedelta(milliseconds=partitioning.expiration_ms)


def check_table(table: bigquery.Table, endpoint: Endpoint) -> None:
    """Refuse a table that no load would write to.

    :param table: the table.
    :param endpoint: what it should hold.
    :raises DestinationError: naming everything that is wrong with it.
    """
    problems = list(_problems(table, endpoint))
    if problems:
        name = f"{table.project}.{table.dataset_id}.{table.table_id}"
        raise DestinationError(
            f"Table {name} cannot hold {endpoint.name}: {'; '.join(problems)}. Nothing was written. Load into another "
            "table, or let the package create it."
        )


def missing_columns(table: bigquery.Table, endpoint: Endpoint) -> list[Column]:
    """Return the columns of an endpoint that a table does not have, and that the next load adds."""
    present = {field.name.lower() for field in table.schema}  # to BigQuery, Visit_Total is visit_total
    return [column for column in endpoint.table_columns if column.name not in present]


def _fit(client: bigquery.Client, table: bigquery.Table, endpoint: Endpoint) -> bigquery.Table:
    check_table(table, endpoint)
    partitioning = table.time_partitioning
    if partitioning is None or (partitioning.type_, (partitioning.field or "").lower()) != ("DAY", "begin_date"):
        log.warning(
            "Table %s is not partitioned by day on begin_date, so every load reads and locks more than its own days.",
            table.full_table_id,
        )
    if expiration := expires_after(table):
        log.warning("Table %s drops partitions %s days after their day.", table.full_table_id, expiration.days)
    changes = []
    if missing := missing_columns(table, endpoint):
        log.info("Adding %s to table %s.", ", ".join(column.name for column in missing), table.full_table_id)
        # BigQuery adds columns to a table with rows as NULLABLE only.
        table.schema = [*table.schema, *(_schema_field(column, mode="NULLABLE") for column in missing)]
        changes.append("schema")
    if ENDPOINT_LABEL not in table.labels:
        table.labels = {**table.labels, ENDPOINT_LABEL: endpoint.label}
        changes.append("labels")
    return client.update_table(table, changes, timeout=TIMEOUT) if changes else table


def _problems(table: bigquery.Table, endpoint: Endpoint) -> Iterator[str]:
    if table.table_type != "TABLE":
        yield f"it must be a table, got a {table.table_type}"
        return
    label = table.labels.get(ENDPOINT_LABEL, endpoint.label)
    if label != endpoint.label:
        yield f"it holds {label} (label {ENDPOINT_LABEL}), not {endpoint.label}"
    found = {field.name.lower(): field for field in table.schema}
    wanted = {column.name: column for column in endpoint.table_columns}
    for column in LEADING:
        if column.mode == "REQUIRED" and column.name not in found:
            yield f"column {column.name} is missing ({column.type} {column.mode})"
    for name, field in found.items():
        if problem := _column_problem(field, wanted.get(name)):
            yield f"column {field.name} {problem}"
    partitioned = table.time_partitioning or table.range_partitioning
    filtered = getattr(partitioned, "field", None) or "begin_date"
    if table.require_partition_filter and filtered.lower() != "begin_date":
        yield (
            f"it is partitioned on {filtered} and demands a filter on it (require_partition_filter), which "
            "replacing days of an app cannot give"
        )


def _column_problem(field: bigquery.SchemaField, wanted: Column | None) -> str | None:
    """Return what is wrong with a column that the table has; ``wanted`` is the endpoint's column of that name."""
    if wanted is None:
        fills_itself = field.mode != "REQUIRED" or field.default_value_expression
        return None if fills_itself else "is REQUIRED without a DEFAULT, and nothing fills it"
    found_type = _LEGACY_TYPES.get(field.field_type, field.field_type)
    if found_type != wanted.type or field.mode == "REPEATED":
        repeated = "REPEATED " if field.mode == "REPEATED" else ""
        return f"must be {wanted.type}, got {repeated}{found_type}"
    if field.mode == "REQUIRED" and wanted.mode != "REQUIRED":
        return "must be NULLABLE, got REQUIRED: WeChat may leave it out"
    return None


def _schema_field(column: Column, mode: str | None = None) -> bigquery.SchemaField:
    return bigquery.SchemaField(column.name, column.type, mode=mode or column.mode, description=column.description)
