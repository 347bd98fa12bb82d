"""Addresses that a connection may name: the API's, a token server's, a proxy's."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_wxanalysis.exceptions import ConfigurationError

if TYPE_CHECKING:
    from urllib3.util import Url

_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: ``https:/host``, with one slash, would be a host of the name "https".
_SCHEME_AS_HOST = re.compile(r"//https?:?(/|$)", re.IGNORECASE)
DEFAULT_HOST = "https://api.weixin.qq.com"


def base_url(host: Any, schema: Any, port: Any) -> str:
    """Return the API base, without a trailing slash, from the three connection fields that may hold it."""
    host = str(host or "").strip().rstrip("/") or DEFAULT_HOST
    url = host if "://" in host else f"{schema or 'https'}://{host}"
    parts = _parts("host", url)
    port = parts.port or (int(port) if port else None)
    # With API security the address is part of what is signed, and WeChat signs its own without a default port.
    port = None if port == _DEFAULT_PORTS.get(parts.scheme or "") else port
    return checked_url("host", parts._replace(host=(parts.host or "").rstrip(".") or None, port=port).url)


def checked_url(name: str, url: str) -> str:
    """Return ``url`` with scheme and host in lower case, as requests writes it.

    :param name: the field it comes from.
    :param url: the address.
    :raises ConfigurationError: if it is not an address that works, or would expose secrets.
    """
    parts = _parts(name, url)
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ConfigurationError(f"{name} must be an http or https address.")
    if parts.auth:
        raise ConfigurationError(f"{name} holds a user name or password before the @, where logs would show it.")
    if parts.scheme == "http" and not is_loopback(parts.host):
        raise ConfigurationError(
            f"{name} uses plain http to {parts.host}, so the secret would travel in clear. Use https; "
            "http is accepted for this machine only (127.0.0.1, localhost)."
        )
    if name == "host" and (parts.query is not None or parts.fragment is not None):
        raise ConfigurationError("host must be an address such as https://api.weixin.qq.com, without ? or #.")
    return parts.url


def proxies(value: Any) -> Mapping[str, str] | None:
    """Return proxy URLs by scheme, from a URL for all schemes, a JSON object or its text.

    :raises ConfigurationError: without the value, which may hold a password.
    """
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise ConfigurationError("proxies must be a URL, or a JSON object of URLs; this is not JSON.") from None
    if isinstance(value, str):
        value = {"http": value, "https": value}
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(url, str) and url for url in value.values()):
        raise ConfigurationError("proxies must be a proxy's URL, or an object of URLs by scheme.")
    return {scheme: proxy_url("proxies", url) for scheme, url in value.items()}


def proxy_url(name: str, url: str) -> str:
    """Return a proxy's URL, with its scheme.

    :param name: where it comes from.
    :param url: the URL; ``http://`` may be left out.
    :raises ConfigurationError: without the URL, which may hold a password.
    """
    url = url if "://" in url else f"http://{url}"
    try:
        parts = _parts(name, url)
    except ConfigurationError:
        parts = None
    if parts is None or parts.scheme not in _PROXY_SCHEMES or not parts.host:
        raise ConfigurationError(
            f"{name} must be a URL such as http://proxy.example:3128, with one of {', '.join(_PROXY_SCHEMES)}. Special "
            "characters of a user name or password must be percent-encoded, such as %40 for @."
        )
    return url


def _parts(name: str, url: str) -> Url:
    """Parse a URL as the request itself will: two parsers could see two different hosts in it."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    parts = None
    if not _SCHEME_AS_HOST.search(url) and url.isascii() and url.isprintable() and not set(url) & set(" \\"):
        with contextlib.suppress(LocationParseError):  # not passed on: its text may hold a proxy's password
            parts = parse_url(url)
    if parts is None or parts.port == 0:
        raise ConfigurationError(
            f"{name} must be a web address; look for a wrong port, a missing slash, blanks and stray characters."
        )
    return parts


def is_loopback(hostname: str) -> bool:
    """Whether a host is this machine, whatever name servers say."""
    try:
        return ipaddress.ip_address(hostname.strip("[]")).is_loopback
    except ValueError:
        return hostname == "localhost"
