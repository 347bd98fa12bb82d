"""Fetch days with Airbyte's low-code CDK; records go nowhere.

Its ``concurrency_level`` is the concurrency, but never below 2: the CDK needs a worker to make the slices, too.
"""

from __future__ import annotations

import logging

from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

logging.disable(logging.INFO)
asked = arguments()
(wanted,) = asked["endpoints"]
days = [body["begin_date"] for body in wanted["bodies"]]
workers = max(2, asked["concurrency"])


day = "'{{ stream_partition['day'] }}'"  # in quotes, or the CDK makes it a number
requester = {
    "type": "HttpRequester",
    "url": asked["url"] + wanted["path"],
    "http_method": "POST",
    "request_parameters": {"access_token": "{{ stream_partition['token'] }}"},
    "request_body": {"type": "RequestBodyJsonObject", "value": {"begin_date": day, "end_date": day}},
}
stream = {
    "type": "DeclarativeStream",
    "name": wanted["endpoint"],
    "primary_key": [],
    "schema_loader": {"type": "InlineSchemaLoader", "schema": {"type": "object", "properties": {}}},
    "retriever": {
        "type": "SimpleRetriever",
        "requester": requester,
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": ["list"]},
        },
        "partition_router": [
            {"type": "ListPartitionRouter", "cursor_field": "token", "values": list(asked["tokens"].values())},
            {"type": "ListPartitionRouter", "cursor_field": "day", "values": days},
        ],
    },
}
manifest = {
    "version": "7.39.1",
    "type": "DeclarativeSource",
    "check": {"type": "CheckStream", "stream_names": [stream["name"]]},
    "streams": [stream],
    "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": workers, "max_concurrency": workers},
}
configured = {
    "stream": {"name": stream["name"], "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
    "sync_mode": "full_refresh",
    "destination_sync_mode": "overwrite",
}
catalog = ConfiguredAirbyteCatalogSerializer.load({"streams": [configured]})
source = ConcurrentDeclarativeSource(catalog=catalog, config={}, state=[], source_config=manifest)

figures: Figures = {}
with clock(figures):
    messages = source.read(logging.getLogger("airbyte"), {}, catalog, [])
    figures["rows"] = sum(message.type is Type.RECORD for message in messages)
report(figures)
