"""Having Airflow mask access tokens in logs, as far as that is cheap."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import mask_secret

#: Airflow compiles one pattern of all secrets again at each new one, in the task and in its supervisor: the tokens of
#: 500 apps would take both of them a minute, and a triggerer more from day to day.
MOST = 20

_masked: set[int] = set()


def mask_token(token: str) -> None:
    """Have Airflow mask a new access token, unless this process has had :data:`MOST` others masked.

    It is for what other code may log: this package logs no token, and hands none out except by
    :meth:`~airflow_provider_wxanalysis.hooks.weanalysis.WeAnalysisHook.get_conn`.

    :param token: the token.
    """
    if hash(token) in _masked or len(_masked) < MOST:
        _masked.add(hash(token))
        mask_secret(token)
