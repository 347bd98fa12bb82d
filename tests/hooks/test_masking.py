"""Which tokens Airflow masks."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_provider_wxanalysis.hooks import masking
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period
from airflow_provider_wxanalysis.testing import WeChatServer


@pytest.fixture
def masked(monkeypatch):
    """The tokens that Airflow is told to mask."""
    tokens: list[str] = []
    monkeypatch.setattr(masking, "mask_secret", tokens.append)
    monkeypatch.setattr(masking, "_masked", set())
    return tokens


def test_a_fleet_s_tokens_are_masked_only_as_far_as_that_is_cheap(masked, connect):
    """Airflow compiles all masks again at each new one. (That no token is logged is seen to in every test.)"""
    with WeChatServer() as server:
        fleet = WeAnalysisHook(connect(server, auth="central"))
        day = server.now.date() - dt.timedelta(days=3)
        for number in range(masking.MOST + 5):
            with fleet.for_app(f"wx{number:016x}") as hook:
                assert hook.fetch("daily_summary", Period(day, day))
        issued = server.tokens_issued
        assert len(issued) == masking.MOST + 5
        assert masked == issued[: masking.MOST]


def test_a_token_that_is_handed_out_is_masked_however_many_were_before(masked, connect):
    for number in range(2 * masking.MOST):
        masking.mask_token(f"token {number}")
    with WeChatServer() as server, WeAnalysisHook(connect(server)) as hook:
        session = hook.get_conn()
        for _ in range(2):
            assert session.post(f"{server.url}/cgi-bin/openapi/quota/get", json={"cgi_path": "/x"}).ok
    assert masked[: masking.MOST] == [f"token {number}" for number in range(masking.MOST)]
    assert set(masked[masking.MOST :]) == set(server.tokens_issued)


def test_a_token_that_was_masked_once_is_masked_wherever_it_comes_again(masked):
    for number in range(2 * masking.MOST):
        masking.mask_token(f"token {number}")
    masking.mask_token("token 0")
    assert masked == [*(f"token {number}" for number in range(masking.MOST)), "token 0"]
