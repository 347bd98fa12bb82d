"""Having Airflow mask access tokens in logs, as far as that is cheap."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import mask_secret

from airflow_provider_wxanalysis.supervisor import TURN

#: With each new secret Airflow compiles the pattern of all of them again, in the task and in its supervisor: with the
#: tokens of 500 apps that would take a minute in both, and in a triggerer longer every day.
MOST = 5

_masked: set[int] = set()


def mask_token(token: str) -> None:
    """Have Airflow mask a new access token, unless this process has had :data:`MOST` others masked.

    This package logs no token; those that it hands to other code go through :func:`mask_handed_out`.

    :param token: the token.
    """
    if hash(token) in _masked or len(_masked) < MOST:
        mask_handed_out(token)


def mask_handed_out(token: str) -> None:
    """Have Airflow mask a token that other code gets to see, and may log.

    :param token: the token.
    """
    _masked.add(hash(token))
    with TURN:
        mask_secret(token)  # also if it was before: the process's next task may have another supervisor
