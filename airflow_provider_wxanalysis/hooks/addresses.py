"""Addresses that a connection may name: the API's, a token server's, a proxy's."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from airflow_provider_wxanalysis.exceptions import ConfigurationError

DEFAULT_HOST = "https://api.weixin.qq.com"


def base_url(host: Any, schema: Any, port: Any) -> str:
    """Return the API base, without a slash at the end, from the three fields that may say it."""
    host = str(host or "").strip().rstrip("/") or DEFAULT_HOST
    url = host if "://" in host else f"{schema or 'https'}://{host}"
    if port and _parts("host", url).port is None:
        parts = _parts("host", url)
        url = parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
    return checked_url("host", url)


def checked_url(name: str, url: str) -> str:
    """Return ``url``; the API's with its host in small letters, as requests writes it.

    :param name: the field it comes from.
    :raises ConfigurationError: if it is no web address, or would send secrets in clear.
    """
    parts = _parts(name, url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{name} is no http or https address.")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise ConfigurationError(
            f"{name} uses plain http to {parts.hostname}, so the secret would travel in clear. Use https; "
            "http is accepted for this machine only (127.0.0.1, localhost)."
        )
    if name == "host" and (parts.query or parts.fragment or parts.username):
        raise ConfigurationError("host is an address such as https://api.weixin.qq.com, without user, ? or #.")
    return parts._replace(netloc=parts.netloc.lower()).geturl() if name == "host" else url


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
        if not _parts("proxies", url if "://" in url else f"http://{url}").hostname:
            raise ConfigurationError("proxies is no URL such as http://proxy.example:3128.")
    return value


def _parts(name: str, url: str) -> SplitResult:
    plain = url.isascii() and url.isprintable() and " " not in url
    try:
        parts = urlsplit(url)
        plain = plain and parts.port != 0  # reading the port checks it
    except ValueError:  # not passed on: its text may hold a proxy's password
        plain = False
    if not plain:
        raise ConfigurationError(f"{name} is no web address; look for a wrong port, blanks and stray characters.")
    return parts


def _loopback(hostname: str) -> bool:
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"
