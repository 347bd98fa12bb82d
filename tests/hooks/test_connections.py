"""A connection that Airflow does not hand out."""

from __future__ import annotations

import pytest
from airflow.sdk.execution_time import supervisor
from airflow.secrets import BaseSecretsBackend

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook


class Vault(BaseSecretsBackend):
    """A secrets backend that cannot be reached."""

    def get_connection(self, conn_id, team_name=None):
        raise ConnectionError("the vault is down")


@pytest.mark.parametrize("backends", [[Vault()], []], ids=["down", "none"])
def test_one_that_airflow_does_not_find_may_be_there_later(monkeypatch, backends):
    """Airflow goes on to the next backend when one fails, and says in the end that there is no such connection."""
    monkeypatch.setattr(
        supervisor, "ensure_secrets_backend_loaded", lambda: backends
    )  # it keeps the first list it makes
    with pytest.raises(ConfigurationError, match="'shop' is not defined, or Airflow could not reach") as caught:
        _ = WeAnalysisHook("shop").appid
    assert caught.value.retryable
