"""What the tests of fetching share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY, Period
from airflow_provider_wxanalysis.testing import WeChatServer
from airflow_provider_wxanalysis.wechat.lanes import Answer
from airflow_provider_wxanalysis.wechat.pool import ask_all
from airflow_provider_wxanalysis.wechat.waits import Stop
from tests.conftest import APPS


@pytest.fixture
def days(yesterday: Period) -> list[Period]:
    """Ten days, the latest last."""
    return [DAY.earlier(yesterday, back) for back in range(9, -1, -1)]


@pytest.fixture
def apps(wechat_server: WeChatServer, connect: Callable[..., str]) -> Iterator[list[WeAnalysisHook]]:
    """The hooks of two apps."""
    hooks = [WeAnalysisHook(connect(wechat_server, app, f"app_{app}")) for app in APPS]
    yield hooks
    for hook in hooks:
        hook.close()


def answers(hooks: list[WeAnalysisHook], days: list[Period], **options: Any) -> list[Answer]:
    """Ask for the days' summaries of all apps."""
    asked = [hook.lane("daily_summary", days) for hook in hooks]
    return list(ask_all(asked, in_flight=options.pop("in_flight", 8), stop=Stop(), **options))
