"""OpenLineage: from a WeChat endpoint of an app to a BigQuery table. Imported when the OpenLineage provider asks."""

from __future__ import annotations

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
from airflow_provider_wxanalysis.tasks.results import LoadResult

#: WeChat's API as OpenLineage names a source of datasets; a proxy or a test server in between does not change it.
WECHAT = "https://api.weixin.qq.com"


#: Up to how many apps each is an input of its own.
_INPUTS = 20


def lineage(endpoint: Endpoint, result: LoadResult) -> OperatorLineage[Any, Any]:
    """Return what a finished load read and wrote.

    :param endpoint: the catalogue's entry.
    :param result: what came of the load: each app is an input; of more than twenty the endpoint as a whole.
    """
    schema = SchemaDatasetFacet(
        fields=[
            SchemaDatasetFacetFields(name=column.name, type=column.type, description=column.description)
            for column in endpoint.table_columns
        ]
    )
    apps = list(result.apps) if len(result.apps) <= _INPUTS else [""]
    sources: list[Dataset] = [InputDataset(namespace=WECHAT, name=f"{appid}{endpoint.path}") for appid in apps]
    target: Dataset = OutputDataset(
        namespace="bigquery",
        name=str(result.table),
        facets={"schema": schema},
        outputFacets={"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=result.rows)},
    )
    jobs = {
        "externalQuery" if number == 0 else f"externalQuery_{number}": ExternalQueryRunFacet(
            externalQueryId=job_id, source="bigquery"
        )
        for number, job_id in enumerate(result.load_ids)
    }
    return OperatorLineage(inputs=sources, outputs=[target], run_facets=jobs)
