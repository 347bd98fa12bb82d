"""OpenLineage: from a WeChat endpoint of an app to a BigQuery table. Imported when the OpenLineage provider asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.common.compat.openlineage.facet import (
    Dataset,
    ExternalQueryRunFacet,
    InputDataset,
    OutputDataset,
    OutputStatisticsOutputDatasetFacet,
    SchemaDatasetFacet,
    SchemaDatasetFacetFields,
)
from airflow.providers.openlineage.extractors import OperatorLineage

from airflow_provider_wxanalysis.endpoints import Endpoint

#: WeChat's API as OpenLineage names a source of datasets; a proxy or a test server in between does not change it.
WECHAT = "https://api.weixin.qq.com"


def lineage(endpoint: Endpoint, summary: Mapping[str, Any]) -> OperatorLineage[Any, Any]:
    """Return what a finished load read and wrote.

    :param endpoint: the catalogue's entry.
    :param summary: what the transfer returned.
    """
    schema = SchemaDatasetFacet(
        fields=[
            SchemaDatasetFacetFields(name=column.name, type=column.type, description=column.description)
            for column in endpoint.table_columns
        ]
    )
    source: Dataset = InputDataset(namespace=WECHAT, name=f"{summary['appid']}{endpoint.path}")
    target: Dataset = OutputDataset(
        namespace="bigquery",
        name=summary["table"],
        facets={"schema": schema},
        outputFacets={"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=summary["rows"])},
    )
    jobs = {
        "externalQuery" if number == 0 else f"externalQuery_{number}": ExternalQueryRunFacet(
            externalQueryId=job_id, source="bigquery"
        )
        for number, job_id in enumerate(summary["load_ids"])
    }
    return OperatorLineage(inputs=[source], outputs=[target], run_facets=jobs)
