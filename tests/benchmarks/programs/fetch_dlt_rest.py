"""Fetch days with dlt's declarative ``rest_api`` source, as its documentation describes it; rows go nowhere.

dlt's extract workers are the concurrency; a resource that depends on the days makes one request for each of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from tests.benchmarks.stopwatch import Figures, arguments, clock, report

asked = arguments()
os.environ["EXTRACT__WORKERS"] = str(asked["concurrency"])
os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(max(20, 2 * asked["concurrency"]))  # 20 is dlt's own
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt  # noqa: E402  after its configuration
from dlt.sources.helpers import requests  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402
from dlt.sources.rest_api.typing import EndpointResource  # noqa: E402

(wanted,) = asked["endpoints"]
# dlt's own session, with a connection for each worker; the source itself looks at the status
session = requests.Client(max_connections=asked["concurrency"], raise_for_status=False).session


@dlt.resource(selected=False)
def days() -> Iterator[list[dict[str, str]]]:
    dates = [body["begin_date"] for body in wanted["bodies"]]
    yield [{"token": token, "date": date} for token in asked["tokens"].values() for date in dates]


day = "{resources.days.date}"
endpoint: EndpointResource = {
    "name": wanted["endpoint"],
    "parallelized": True,
    "endpoint": {
        "path": wanted["path"],
        "method": "POST",
        "params": {"access_token": "{resources.days.token}"},
        "json": {"begin_date": day, "end_date": day},
        "data_selector": "list",
        "paginator": "single_page",
    },
}
source = rest_api_source({"client": {"base_url": asked["url"], "session": session}, "resources": [days, endpoint]})
figures: Figures = {}
with clock(figures):
    figures["rows"] = sum(1 for _ in source)
report(figures)
