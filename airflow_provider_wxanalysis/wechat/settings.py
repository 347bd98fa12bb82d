"""What an Airflow connection says, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.wechat.addresses import DEFAULT_HOST, base_url, checked_url, proxies
from airflow_provider_wxanalysis.wechat.keys import Keys, read_keys
from airflow_provider_wxanalysis.wechat.redaction import Secret

#: What each kind of ``auth`` needs besides the AppID: field of :class:`Settings` -> where the connection has it.
AUTH_NEEDS: Mapping[str, Mapping[str, str]] = {
    "stable": {"secret": "password (AppSecret)"},
    "legacy": {"secret": "password (AppSecret)"},
    "static": {"access_token": "extra access_token"},
    "central": {"central_url": "extra central_url"},
    "authorizer": {
        "component_appid": "extra component_appid",
        "component_access_token": "extra component_access_token",
        "authorizer_refresh_token": "extra authorizer_refresh_token",
    },
}


_PREFIX = "extra__weanalysis__"
_SECRETS = ("access_token", "central_authorization", "component_access_token", "authorizer_refresh_token")


class ConnectionLike(Protocol):
    """The part of Airflow's ``Connection`` that is read, the same in Airflow 2 and 3."""

    conn_id: Any
    login: Any
    host: Any
    schema: Any
    port: Any

    @property
    def password(self) -> Any:
        """The AppSecret."""

    @property
    def extra_dejson(self) -> Any:
        """The extra fields."""


@dataclass(frozen=True)
class Settings:
    """One app's connection. Secrets stay out of its ``repr``.

    :param appid: AppID.
    :param base_url: API base without a slash at the end.
    :param auth: where tokens come from: a key of :data:`AUTH_NEEDS`.
    :param timeout: seconds to wait for a connection, and for each piece of a reply.
    :param proxies: proxy URLs by scheme, as requests wants them; ``None`` leaves it to the environment.
    :param verify: whether to check TLS certificates, or the path of a CA bundle.
    :param requests_per_minute: the most data calls one task makes per minute; ``None`` for no limit.
    :param max_concurrency: the most data calls one task has in flight.
    :param keys: the keys of an account with API security; ``None`` without API security.
    :param app_name: the name people use for the app.
    """

    appid: str
    base_url: str = DEFAULT_HOST
    auth: str = "stable"
    timeout: float = 30.0
    proxies: Mapping[str, str] | None = field(default=None, repr=False)
    verify: bool | str = True
    requests_per_minute: int | None = None
    max_concurrency: int = 4
    keys: Keys | None = None
    secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    central_url: str | None = field(default=None, repr=False)
    central_authorization: str | None = field(default=None, repr=False)
    component_appid: str | None = None
    component_access_token: str | None = field(default=None, repr=False)
    authorizer_refresh_token: str | None = field(default=None, repr=False)
    app_name: str | None = None

    def secrets(self) -> list[str]:
        """Return everything that must never be shown."""
        given = (
            self.secret,
            self.access_token,
            self.central_authorization,
            self.component_access_token,
            self.authorizer_refresh_token,
            *(unquote(urlsplit(url).password or "") for url in (self.proxies or {}).values()),
        )
        return [each for each in given if each]

    @classmethod
    def from_connection(cls, connection: ConnectionLike, appid: str | None = None) -> Settings:
        """Read an Airflow connection.

        :param connection: the connection.
        :param appid: the app to ask about, where the connection serves several.

        :raises ConfigurationError: naming the connection and the field, if something is missing or cannot work.
        """
        conn_id = connection.conn_id
        try:
            return cls.read(connection, appid)
        except ConfigurationError as error:
            message = f"Connection {conn_id!r}: {error}"
        del connection  # Airflow's shows its password in tracebacks with variables
        raise ConfigurationError(message)

    @classmethod
    def read(cls, connection: ConnectionLike, appid: str | None = None) -> Settings:
        """Read a connection without naming it in errors.

        :param connection: the connection.
        :param appid: the app to ask about, where the connection serves several.

        :raises ConfigurationError: naming only the field.
        """
        extra = _filled(connection.extra_dejson)
        own = _text("login (AppID)", connection.login)
        # The name is that of one app, not of all that a token server knows.
        name = extra.get("app_name") if appid in (None, own) else None
        appid = _app(appid, own, extra)
        central_url = _text("central_url", extra.get("central_url"))
        settings = cls(
            appid=appid,
            base_url=base_url(connection.host, connection.schema, connection.port),
            auth=str(extra.get("auth", "stable")),
            timeout=_number("timeout", extra.get("timeout", 30.0), smallest=0.001, largest=600),
            proxies=proxies(extra.get("proxies")),
            verify=_verify(extra.get("verify", True)),
            requests_per_minute=_whole("requests_per_minute", extra.get("requests_per_minute"), largest=100_000),
            max_concurrency=_whole("max_concurrency", extra.get("max_concurrency"), largest=64) or 4,
            keys=read_keys(extra),
            secret=_secret("password (AppSecret)", connection.password),
            app_name=None if name is None else str(name),
            component_appid=_text("component_appid", extra.get("component_appid")),
            central_url=central_url and checked_url("central_url", central_url.replace("{appid}", appid)),
            **{
                name: _secret(name, extra.get(name))
                for name in (
                    "access_token",
                    "central_authorization",
                    "component_access_token",
                    "authorizer_refresh_token",
                )
            },
        )
        if settings.auth not in AUTH_NEEDS:
            raise ConfigurationError(f"auth={settings.auth!r} is unknown; choose one of {', '.join(AUTH_NEEDS)}.")
        if not (settings.central_authorization or "").isascii():
            raise ConfigurationError("central_authorization must be ASCII, as headers are.")
        for name, place in AUTH_NEEDS[settings.auth].items():
            if not getattr(settings, name):
                raise ConfigurationError(f"{place} is empty, but auth={settings.auth} needs it.")
        return settings


def _app(appid: str | None, own: str | None, extra: Mapping[str, Any]) -> str:
    """Return the app to ask about: the one given, else the connection's own."""
    serves_many = extra.get("auth") == "central" and "{appid}" in str(extra.get("central_url"))
    if appid and appid != own and not serves_many:
        raise ConfigurationError(
            f"it cannot serve app {appid}: for apps other than its login it needs auth=central, and a central_url "
            "with {appid} in it."
        )
    if not (appid or own):
        raise ConfigurationError(
            "login is empty, as it may be where a connection serves many apps (auth=central): name them in appids, "
            "or, to test the connection, put the AppID of one into login."
            if serves_many
            else "login is empty; it holds the mini program's AppID."
        )
    return str(appid or own)


def _filled(extra: Any) -> dict[str, Any]:
    """Return the fields that are filled in; forms store the others as null or empty text."""
    if not isinstance(extra, Mapping):
        raise ConfigurationError(f"extra must be a JSON object, got {type(extra).__name__}.")
    stripped = {name: value.strip(" ") if isinstance(value, str) else value for name, value in extra.items()}
    filled = {name: value for name, value in stripped.items() if value not in (None, "")}
    # Older forms of Airflow stored extras under such long names; a short name is newer, and counts.
    long = {name.removeprefix(_PREFIX): value for name, value in filled.items() if name.startswith(_PREFIX)}
    return {**long, **filled}


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        raise ConfigurationError(f"{name} must be plain text; look for line breaks, invisible and foreign characters.")
    return value.strip()


def _secret(name: str, value: Any) -> Secret | None:
    text = _text(name, value)
    return Secret(text) if text else None


def _number(name: str, value: Any, *, smallest: float, largest: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if isinstance(value, bool) or not smallest <= number <= largest:
        raise ConfigurationError(f"{name} must be a number from {smallest:g} to {largest:g}, got {value!r}.")
    return number


def _whole(name: str, value: Any, *, largest: int) -> int | None:
    if value is None:
        return None
    number = _number(name, value, smallest=1, largest=largest)
    if not number.is_integer():
        raise ConfigurationError(f"{name} must be a whole number, got {value!r}.")
    return int(number)


def _verify(value: Any) -> bool | str:
    words = {"true": True, "false": False}
    return words.get(str(value).lower(), str(value))
