from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_wxanalysis.testing import WeChatServer
from airflow_provider_wxanalysis.wechat.redaction import redact_urllib3_logs
from tests.testing.client import NOW, Client

redact_urllib3_logs()  # the clients of these tests are not the package's own, which see to it


@pytest.fixture
def wechat_server_options() -> dict[str, Any]:
    return {"now": NOW}


@pytest.fixture
def client(wechat_server: WeChatServer) -> Iterator[Client]:
    client = Client(wechat_server)
    with client.session:
        yield client
