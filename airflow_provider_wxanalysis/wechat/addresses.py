"""Addresses that a connection may name: the API's, a token server's, a proxy's."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.exceptions import ConfigurationError

if TYPE_CHECKING:
    from urllib3.util import Url

_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
DEFAULT_HOST = "https://api.weixin.qq.com"


def base_url(host: Any, schema: Any, port: Any) -> str:
    """Return the API base, without a slash at the end, from the three fields that may say it."""
    host = str(host or "").strip().rstrip("/") or DEFAULT_HOST
    url = host if "://" in host else f"{schema or 'https'}://{host}"
    parts = _parts("host", url)
    return checked_url("host", parts._replace(port=int(port)).url if port and parts.port is None else url)


def checked_url(name: str, url: str) -> str:
    """Return ``url``, its scheme and host in small letters, as requests writes it.

    :param name: the field it comes from.
    :raises ConfigurationError: if it is no web address, or would send or show secrets in clear.
    """
    parts = _parts(name, url)
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ConfigurationError(f"{name} is no http or https address.")
    if parts.auth:
        raise ConfigurationError(f"{name} holds a user name or password before the @, where logs would show it.")
    if parts.scheme == "http" and not _loopback(parts.host):
        raise ConfigurationError(
            f"{name} uses plain http to {parts.host}, so the secret would travel in clear. Use https; "
            "http is accepted for this machine only (127.0.0.1, localhost)."
        )
    if name == "host" and (parts.query is not None or parts.fragment is not None):
        raise ConfigurationError("host is an address such as https://api.weixin.qq.com, without ? or #.")
    return parts.url


def proxies(value: Any) -> Mapping[str, str] | None:
    """Return proxy URLs by scheme, from a URL for all schemes, a JSON object or its text.

    :raises ConfigurationError: without the value, which may hold a password.
    """
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise ConfigurationError("proxies is no valid JSON object.") from None
    if isinstance(value, str):
        value = {"http": value, "https": value}
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(url, str) and url for url in value.values()):
        raise ConfigurationError("proxies is a proxy's URL, or an object of URLs by scheme.")
    for url in value.values():
        parts = _parts("proxies", url if "://" in url else f"http://{url}")
        if parts.scheme not in _PROXY_SCHEMES or not parts.host:
            raise ConfigurationError(
                f"proxies is no URL such as http://proxy.example:3128, with one of {', '.join(_PROXY_SCHEMES)}."
            )
    return value


def _parts(name: str, url: str) -> Url:
    """Take a URL apart as the request itself will: two parsers could see two hosts in it."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    parts = None
    if url.isascii() and url.isprintable() and not set(url) & set(" \\"):
        with contextlib.suppress(LocationParseError):  # not passed on: its text may hold a proxy's password
            parts = parse_url(url)
    if parts is None or parts.port == 0:
        raise ConfigurationError(f"{name} is no web address; look for a wrong port, blanks and stray characters.")
    return parts


def _loopback(hostname: str) -> bool:
    try:
        return ipaddress.ip_address(hostname.strip("[]")).is_loopback
    except ValueError:
        return hostname == "localhost"
