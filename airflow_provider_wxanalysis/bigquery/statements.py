"""The SQL that replaces slices and shows what they hold. Pure.

One MERGE replaces any number of slices: its DELETE branch takes away what they hold, its INSERT branch writes the new
rows, and both happen at once or not at all.

.. seealso:: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement
"""

from __future__ import annotations

from airflow_provider_wxanalysis.bigquery.chunks import row_names
from airflow_provider_wxanalysis.bigquery.names import TableName
from airflow_provider_wxanalysis.catalogue.columns import LOAD
from airflow_provider_wxanalysis.endpoints import Endpoint

#: Without it, one float that BigQuery would not print as it was written makes PARSE_JSON fail the whole statement.
ROUND = ", wide_number_mode=>'round'"
_LOADED_AT = "_loaded_at"


def merge_statement(table: TableName, endpoint: Endpoint, *, named_arguments: bool = True) -> str:
    """Return the MERGE; its parameters: rows, appids, dates, slices, and one for each load column but the time.

    Constant filters on partition and cluster column prune, so that a load reads and locks no more than it replaces.

    :param table: the table.
    :param endpoint: what it holds.
    :param named_arguments: whether functions can be given named arguments, as BigQuery's can.
    """
    mode = ROUND if named_arguments else ""
    types = {column.name: column.type for column in endpoint.table_columns}
    names = row_names(endpoint)
    source = ",\n    ".join(f"{_parsed(types[name], number, mode)} AS {name}" for number, name in enumerate(names))
    values = {name: f"S.{name}" for name in names}
    for column in LOAD:
        values[column.name] = "CURRENT_TIMESTAMP()" if column.name == _LOADED_AT else f"@{column.name[1:]}"
    return f"""MERGE `{table}` AS T
USING (
  SELECT
    {source}
  FROM UNNEST(JSON_QUERY_ARRAY(@rows)) AS r
) AS S
ON FALSE
WHEN NOT MATCHED BY SOURCE AND T.begin_date IN UNNEST(@dates) AND T.appid IN UNNEST(@appids)
  AND STRUCT(T.appid, T.begin_date, T.end_date) IN UNNEST(@slices) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({", ".join(values)})
  VALUES ({", ".join(values.values())})"""


def contents_statement(table: TableName) -> str:
    """Return the query that shows what slices hold; its parameters: appids, dates, slices.

    Columns are aliased, since the table may spell them with capitals.
    """
    return f"""SELECT appid AS appid, begin_date AS begin_date, end_date AS end_date,
  COUNT(*) AS row_count, COUNT(DISTINCT _load_id) AS loads, MIN(_load_id) AS load_id, MAX(_loaded_at) AS loaded_at
FROM `{table}`
WHERE begin_date IN UNNEST(@dates) AND appid IN UNNEST(@appids)
  AND STRUCT(appid, begin_date, end_date) IN UNNEST(@slices)
GROUP BY appid, begin_date, end_date"""


def _parsed(column_type: str, number: int, mode: str) -> str:
    value = f"JSON_VALUE(r, '$[{number}]')"
    if column_type == "JSON":
        return f"PARSE_JSON({value}{mode})"
    return value if column_type == "STRING" else f"CAST({value} AS {column_type})"
