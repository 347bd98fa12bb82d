"""A BigQuery client: through an Airflow Google Cloud connection, or with the machine's own credentials."""

from __future__ import annotations

import os
from collections.abc import Sequence

import google.auth
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.accounts import check_impersonation
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.supervisor import TURN

#: Seconds to wait for an answer to one request; the client itself would wait forever for one that got lost.
TIMEOUT = 120.0
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def bigquery_client(
    *,
    gcp_conn_id: str | None,
    project_id: str | None,
    fallback_project: str,
    location: str | None,
    impersonation_chain: str | Sequence[str] | None,
) -> bigquery.Client:
    """Return a client.

    :param gcp_conn_id: Airflow connection, used through the Google provider; ``None`` for Application Default
        Credentials, or anonymous ones where ``BIGQUERY_EMULATOR_HOST`` is set.
    :param project_id: project that runs the jobs; by default the connection's or the credentials' own.
    :param fallback_project: project if neither names one.
    :param location: default location.
    :param impersonation_chain: service accounts to act as; needs ``gcp_conn_id``.
    :raises AirflowOptionalProviderFeatureException: if ``gcp_conn_id`` is given and the Google provider is missing.
    :raises ConfigurationError: if no credentials can be found.
    """
    if gcp_conn_id is not None:
        return _through_airflow(gcp_conn_id, project_id, fallback_project, location, impersonation_chain)
    check_impersonation(gcp_conn_id, impersonation_chain)
    if os.environ.get("BIGQUERY_EMULATOR_HOST"):
        return bigquery.Client(project_id or fallback_project, credentials=AnonymousCredentials(), location=location)
    try:
        credentials, own_project = google.auth.default(scopes=_SCOPES)
    except DefaultCredentialsError as error:
        raise ConfigurationError(
            "gcp_conn_id=None means Application Default Credentials, and this worker has none. Attach a service "
            "account, set GOOGLE_APPLICATION_CREDENTIALS, or give a gcp_conn_id."
        ) from error
    return bigquery.Client(project_id or own_project or fallback_project, credentials=credentials, location=location)


def _through_airflow(
    gcp_conn_id: str,
    project_id: str | None,
    fallback_project: str,
    location: str | None,
    impersonation_chain: str | Sequence[str] | None,
) -> bigquery.Client:
    try:
        from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("airflow.providers.google"):
            raise
        raise AirflowOptionalProviderFeatureException(
            f"gcp_conn_id={gcp_conn_id!r} needs the Google provider: pip install "
            "'airflow-provider-wxanalysis[google]'. Or set gcp_conn_id=None to use the worker's own Google credentials."
        ) from error
    with TURN:
        hook = BigQueryHook(
            gcp_conn_id=gcp_conn_id, location=location, impersonation_chain=impersonation_chain, use_legacy_sql=False
        )
        client: bigquery.Client = hook.get_client(
            project_id=project_id or hook.project_id or fallback_project, location=location
        )
    return client
