"""A pytest fixture, ``wechat_server``. Enable it in ``conftest.py``.

.. code-block:: python

    pytest_plugins = ["airflow_provider_wxanalysis.testing.pytest_plugin"]
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_wxanalysis.testing.server import WeChatServer
from airflow_provider_wxanalysis.testing.wechat import Switches


@pytest.fixture
def wechat_server_options() -> Switches:
    """Return what ``wechat_server`` passes to ``WeChatServer``; override it in a module or class to change that."""
    return {}


@pytest.fixture
def wechat_server(wechat_server_options: Switches) -> Iterator[WeChatServer]:
    """Yield a WeChat API on a free port of this machine, new for every test."""
    with WeChatServer(**wechat_server_options) as server:
        yield server
