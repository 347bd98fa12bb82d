"""A failed request in words: which host, what went wrong there, what to check."""

from __future__ import annotations

import socket

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from airflow_provider_wxanalysis.exceptions import TransportError
from airflow_provider_wxanalysis.wechat.redaction import redact
from airflow_provider_wxanalysis.wechat.replies import IN_BETWEEN, Endless


def failure(error: Exception, endpoint: str, host: str, timeout: float) -> TransportError:
    """Return the error that stands for one of urllib3's, or of requests', which finds the way to a host.

    :param error: what was raised instead of a response.
    :param endpoint: name for the message.
    :param host: host and port that were asked.
    :param timeout: seconds that were waited.
    """
    if isinstance(error, Endless):
        return TransportError(f"{endpoint}: {host} {error}. {IN_BETWEEN}")
    if isinstance(error, ProxyError):
        advice = "Check proxies in the connection, or HTTPS_PROXY and NO_PROXY where this runs."
        return TransportError(f"{endpoint}: the proxy before {host} failed: {_reason(error)}. {advice}")
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):  # which says more below
        advice = "Look for a firewall; if there is a proxy, set proxies in the connection."
        return TransportError(f"{endpoint}: no connection to {host} within {timeout:g} s. {advice}")
    if isinstance(error, ReadTimeoutError):
        advice = "Check that it can be reached from here, or raise timeout in the connection."
        return TransportError(f"{endpoint}: {host} did not answer within {timeout:g} s. {advice}")
    if isinstance(error, SSLError):
        advice = "If a company's proxy signs anew, set verify in the connection to its CA bundle."
        text = f"{endpoint}: the TLS certificate or handshake of {host} failed: {_reason(error)}. {advice}"
        return TransportError(text, busy=False)
    if isinstance(error, HTTPError):
        advice = "Check host and proxies in the connection, and that it can be reached from here."
        return TransportError(f"{endpoint}: the connection to {host} failed: {_reason(error)}. {advice}")
    if isinstance(error, requests.RequestException):
        return TransportError(f"{endpoint}: the request to {host} failed: {redact(repr(error))}. {_ALL}", busy=False)
    if isinstance(error, OSError):  # a CA bundle that is not there
        return TransportError(f"{endpoint}: {error}. Check verify in the connection.", busy=False)
    # The text is left out: it may hold the header or the address that could not be sent.
    return TransportError(f"{endpoint}: the request to {host} failed: {type(error).__name__}. {_ALL}", busy=False)


_ALL = "Check host, proxies and verify in the connection."


def _reason(error: Exception) -> str:
    root = _root(error)
    if isinstance(root, socket.gaierror):
        return f"its name cannot be looked up ({root.strerror})"
    if isinstance(root, ConnectionRefusedError):
        return "nobody listens there (connection refused)"
    return redact(str(root)).rstrip(".")


def _root(error: BaseException) -> BaseException:
    """Return the first cause that is Python's own, which says it without the layers above it."""
    while error.__class__.__module__.split(".")[0] in ("requests", "urllib3"):
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        inner = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return error
