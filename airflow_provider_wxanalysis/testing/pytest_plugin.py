"""A pytest fixture. Enable it in ``conftest.py``::

pytest_plugins = ["airflow_provider_wxanalysis.testing.pytest_plugin"]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_wxanalysis.testing.server import WeChatServer


@pytest.fixture
def wechat_server_options() -> dict[str, Any]:
    """What ``wechat_server`` passes to :class:`WeChatServer`; override it in a module or class to change that."""
    return {}


@pytest.fixture
def wechat_server(wechat_server_options: dict[str, Any]) -> Iterator[WeChatServer]:
    """A WeChat API on a free port of this machine, new for every test."""
    with WeChatServer(**wechat_server_options) as server:
        yield server
