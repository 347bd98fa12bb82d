"""The tables as sources of a dbt project: ``python -m airflow_provider_wxanalysis.dbt > models/wechat_sources.yml``.

Every table and column has its description, in Chinese and English; REQUIRED columns are tested to be not null, and each
table's rows to be distinct. Only dbt's built-in tests are used, so the project needs no package.

.. seealso:: https://docs.getdbt.com/reference/source-properties
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from airflow_provider_wxanalysis.catalogue.columns import LEADING, Column
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, Endpoint


def sources(name: str, database: str, schema: str) -> dict[str, Any]:
    """Return the content of the file.

    :param name: what models call the source.
    :param database: the project.
    :param schema: the dataset.
    """
    tables = [_table(endpoint) for endpoint in ENDPOINTS.values()]
    return {
        "version": 2,
        "sources": [{"name": name, "database": database, "schema": schema, "tables": tables}],
    }


def unique_key(endpoint: Endpoint) -> str:
    """Return an expression that is different for each row of an endpoint's table; NULLs count as values."""
    names = [column.name for column in (*LEADING[:3], *endpoint.columns) if column in LEADING or column.key]
    return f"TO_JSON_STRING(STRUCT({', '.join(names)}))"


def _table(endpoint: Endpoint) -> dict[str, Any]:
    unique = {"unique": {"column_name": unique_key(endpoint), "config": {"severity": "warn"}}}
    return {
        "name": endpoint.name,
        "description": endpoint.description,
        "loaded_at_field": "_loaded_at",
        "data_tests": [unique],
        "columns": [_column(column) for column in endpoint.table_columns],
    }


def _column(column: Column) -> dict[str, Any]:
    known: dict[str, Any] = {"name": column.name, "description": column.description, "data_type": column.type}
    return {**known, "data_tests": ["not_null"]} if column.mode == "REQUIRED" else known


def _yaml(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the lines of a value; texts are written as JSON writes them, which YAML reads alike."""
    indent = "  " * depth
    if isinstance(value, list):
        for item in value:
            first, *others = _yaml(item, depth + 1)
            yield f"{indent}- {first.lstrip()}"
            yield from others
    elif isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, (dict, list)):
                yield f"{indent}{name}:"
                yield from _yaml(item, depth + 1)
            else:
                yield f"{indent}{name}: {json.dumps(item, ensure_ascii=False)}"
    else:
        yield f"{indent}{json.dumps(value, ensure_ascii=False)}"


def main(arguments: list[str] | None = None) -> None:
    """Print the file."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_wxanalysis.dbt", description=__doc__)
    parser.add_argument("--name", default="wechat", help="what models call the source")
    parser.add_argument("--database", default="{{ target.database }}", help="the project of the tables")
    parser.add_argument("--schema", default="wechat", help="the dataset of the tables")
    options = parser.parse_args(arguments)
    print("\n".join(_yaml(sources(options.name, options.database, options.schema))))


if __name__ == "__main__":
    main()
