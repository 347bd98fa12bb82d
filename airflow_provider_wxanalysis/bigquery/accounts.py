"""Which account a client acts as. Pure."""

from __future__ import annotations

from typing import Any

from airflow_provider_wxanalysis.exceptions import ConfigurationError


def check_impersonation(gcp_conn_id: str | None, impersonation_chain: Any) -> None:
    """Refuse to act as a service account without a connection that could.

    :param gcp_conn_id: Airflow connection; ``None`` for Application Default Credentials.
    :param impersonation_chain: service account, or chain of them, to act as.
    :raises ConfigurationError: if there is an account to act as and no connection.
    """
    if gcp_conn_id is None and impersonation_chain:
        raise ConfigurationError("impersonation_chain needs a gcp_conn_id; Application Default Credentials have none.")
