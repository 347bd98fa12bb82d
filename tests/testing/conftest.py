from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_wxanalysis.testing import WeChatServer
from tests.testing.client import NOW, Client


@pytest.fixture
def wechat_server_options() -> dict[str, Any]:
    return {"now": NOW}


@pytest.fixture
def client(wechat_server: WeChatServer) -> Iterator[Client]:
    client = Client(wechat_server)
    with client.session:
        yield client
