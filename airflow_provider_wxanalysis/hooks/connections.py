"""A connection that Airflow does not hand out, as an error of this package: its app is refused, the others go on."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException

from airflow_provider_wxanalysis.exceptions import ConfigurationError, TransportError, WeAnalysisError
from airflow_provider_wxanalysis.wechat.redaction import redact

#: What reading broken content raises. Their texts may quote it, and with it the password.
_CONTENT = (ValueError, TypeError, LookupError)


def unreadable(conn_id: str, error: Exception) -> WeAnalysisError:
    """Return the error that stands for one of Airflow's or of a secrets backend.

    :param conn_id: the connection.
    :param error: what was raised instead of a connection.
    :return: a :class:`ConfigurationError` if the connection, its encryption or a permission has to be changed; it is
        ``retryable`` where Airflow found none, as it says too when a secrets backend or its API server is down. Else a
        :class:`TransportError`, since a secrets backend that cannot be reached now may be there for the next try.
    """
    from cryptography.fernet import InvalidToken

    if isinstance(error, WeAnalysisError):
        return error
    if isinstance(error, AirflowNotFoundException):
        missing = ConfigurationError(
            f"Connection {conn_id!r} is not defined, or Airflow could not reach where it is kept, and says the same. "
            "Make one of type weanalysis, or correct weanalysis_conn_id; if it exists, the next try may find it."
        )
        missing.retryable = True
        return missing
    text = "" if isinstance(error, _CONTENT) else redact(str(error)).rstrip(". ")
    message = f"Airflow could not read connection {conn_id!r}: {type(error).__name__}{f': {text}' if text else ''}."
    if isinstance(error, (*_CONTENT, AirflowException, InvalidToken, PermissionError)):
        return ConfigurationError(
            f"{message} Check how it is stored, Airflow's fernet_key, and what the secrets backend lets this task read."
        )
    return TransportError(f"{message} Check Airflow's secrets backend.", busy=False, stops_app=True)
