"""Hooks that talk to a WeChat server over a real socket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import DAY, Period
from airflow_provider_wxanalysis.wechat.waits import Stop


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make the client's pauses cost nothing, and list them."""
    found: list[float] = []

    def wait(stop: Stop, seconds: float) -> None:
        stop.check()
        found.append(seconds)

    monkeypatch.setattr(Stop, "wait", wait)
    return found


@pytest.fixture
def hook(wechat_server: Any, connect: Callable[..., str]) -> Iterator[Callable[..., WeAnalysisHook]]:
    """Make a hook; arguments are the connection's extra."""
    made = []

    def make(**extra: Any) -> WeAnalysisHook:
        hook = WeAnalysisHook(connect(wechat_server, **extra))
        made.append(hook)
        return hook

    yield make
    for each in made:
        each.close()


@pytest.fixture
def yesterday(wechat_server: Any) -> Period:
    return DAY.latest((wechat_server.now - dt.timedelta(days=1)).date())
