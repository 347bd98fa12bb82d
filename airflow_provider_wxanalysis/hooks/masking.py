"""Having Airflow mask access tokens in logs, as far as that is cheap."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import mask_secret

#: Airflow compiles one pattern of all secrets again at each new one, in the task and in its supervisor: the tokens of
#: 500 apps would take both of them a minute, and a triggerer more from day to day.
MOST = 20

_masked: set[int] = set()


def mask_token(token: str) -> None:
    """Have Airflow mask a new access token, unless this process has had :data:`MOST` others masked.

    This package logs no token. Whoever gets one from it has it masked by :func:`mask_handed_out`.

    :param token: the token.
    """
    if hash(token) in _masked or len(_masked) < MOST:
        mask_handed_out(token)


def mask_handed_out(token: str) -> None:
    """Have Airflow mask a token that other code gets to see, and may log.

    :param token: the token.
    """
    _masked.add(hash(token))
    mask_secret(token)  # again too: another task of this process may have another supervisor
