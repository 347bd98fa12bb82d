"""A failed request in words: which host, what went wrong there, what to check."""

from __future__ import annotations

import socket
import ssl

from urllib3.exceptions import ConnectTimeoutError, HTTPError, ProxyError

from airflow_provider_wxanalysis.exceptions import TransportError
from airflow_provider_wxanalysis.wechat.redaction import redact
from airflow_provider_wxanalysis.wechat.replies import IN_BETWEEN
from airflow_provider_wxanalysis.wechat.wire import BrokenReplyError

_REACHABLE = "Check that it can be reached from here, or raise timeout in the connection."
_PROXY = "Check proxies in the connection, or HTTPS_PROXY and NO_PROXY where this runs."


def failure(error: Exception, endpoint: str, host: str, timeout: float) -> TransportError:
    """Return the error that stands for one of Python's, urllib3's or requests'.

    :param error: what was raised instead of a reply.
    :param endpoint: name for the message.
    :param host: host and port that were asked.
    :param timeout: seconds that were waited.
    """
    root = _root(error)
    if isinstance(root, BrokenReplyError):
        return TransportError(f"{endpoint}: {host} {root}. {IN_BETWEEN}")
    if isinstance(error, ProxyError) or _in_chain(error, ProxyError) or "Tunnel connection failed" in str(root):
        return _lost(f"{endpoint}: the proxy before {host} failed: {_reason(root)}. {_PROXY}")
    if isinstance(root, ssl.SSLError):
        advice = "If a company's proxy replaces certificates, set verify in the connection to its CA bundle."
        text = f"{endpoint}: the TLS certificate or handshake of {host} failed: {_reason(root)}. {advice}"
        return _lost(text, busy=False)
    if isinstance(root, TimeoutError) and _in_chain(error, ConnectTimeoutError):
        advice = "Look for a firewall; if there is a proxy, set proxies in the connection."
        return _lost(f"{endpoint}: no connection to {host} within {timeout:g} s. {advice}")
    if isinstance(root, TimeoutError):
        return _lost(f"{endpoint}: {host} did not answer within {timeout:g} s. {_REACHABLE}")
    if isinstance(root, FileNotFoundError) or "CA certificate bundle" in str(root):
        return _lost(f"{endpoint}: {root}. Check verify in the connection.", busy=False)
    if isinstance(error, (HTTPError, OSError)):
        advice = "Check host and proxies in the connection, and that it can be reached from here."
        return _lost(f"{endpoint}: the connection to {host} failed: {_reason(root)}. {advice}")
    # The text is left out: it may hold the header or the address that could not be sent.
    text = f"{endpoint}: the request to {host} failed: {type(error).__name__}. {_ALL}"
    return _lost(text, busy=False)


_ALL = "Check host, proxies and verify in the connection."


def _lost(message: str, *, busy: bool = True) -> TransportError:
    return TransportError(message, busy=busy, stops_app=True)


def _reason(root: BaseException) -> str:
    if isinstance(root, socket.gaierror):
        return f"its name cannot be looked up ({root.strerror})"
    if isinstance(root, ConnectionRefusedError):
        return "nothing is listening there (connection refused)"
    if isinstance(root, TimeoutError):
        return "no answer in time"
    if isinstance(root, OSError) and root.__class__.__module__.split(".")[0] not in _LAYERS:
        return redact(str(root.strerror or root)).rstrip(".")
    return type(root).__name__  # its text may hold an address


def _in_chain(error: BaseException, kind: type[BaseException]) -> bool:
    return any(isinstance(each, kind) for each in _chain(error))


def _root(error: BaseException) -> BaseException:
    """Return the first cause that is Python's own: its text is free of the layers above."""
    chain = list(_chain(error))
    return next((each for each in chain if each.__class__.__module__.split(".")[0] not in _LAYERS), chain[-1])


_LAYERS = ("requests", "urllib3")


def _chain(error: BaseException) -> list[BaseException]:
    found = [error]
    while len(found) < 20:
        last = found[-1]
        inner = getattr(last, "reason", None) or next((each for each in last.args if isinstance(each, Exception)), None)
        inner = inner if isinstance(inner, BaseException) else last.__cause__ or last.__context__
        if inner is None or inner in found:
            break
        found.append(inner)
    return found
