"""A hundred thousand forged replies; ``tests/wechat/test_forgeries.py`` has some of them in the ordinary run."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable

import pytest

from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.testing import WeChatServer
from tests.support.forger import FORGED_PER_GENUINE, Forger, taken

pytestmark = pytest.mark.chaos

MUTANTS = 100_000


def test_no_forged_reply_is_taken(connect: Callable[..., str]) -> None:
    seed = secrets.randbits(32)
    forger = Forger(seed)
    with WeChatServer(published_at=dt.time(0), api_security=forger, daily_quota=10**9, journal_size=0) as server:
        with WeAnalysisHook(connect(server)) as hook:
            assert taken(forger, hook.client.settings, MUTANTS) == [], f"seed {seed}"
        assert server.count("daily_summary") == MUTANTS + MUTANTS // FORGED_PER_GENUINE
