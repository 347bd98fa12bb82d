"""What can go wrong, and what a person should do about it.

::

    WeAnalysisError
      ConfigurationError         an argument, a connection field or a table name that cannot work (also a ValueError)
      WeAnalysisAPIError         WeChat answered with an errcode
        UnknownAPIError            any other
        InvalidTokenError          40001 40014 42001: the token was refused twice
        CredentialsError           AppID, AppSecret, IP allow-list, administrator's consent
        NotAuthorizedError         the account may not use this API
        DateRangeError             61500 61501: WeChat does not take these dates
        DataNotReadyError          61503: not published yet
        QuotaExceededError         45009: today's calls are used up
        RateLimitError             45011: too many calls this minute
        ServiceBusyError           -1 61504: try again in a moment
      TransportError             no usable reply: network, HTTP status, broken body
      PayloadError               a reply that is not what the catalogue says
      EmptyReportError           a period without rows where rows were expected
      DestinationError           BigQuery refuses the table, the dataset or the permission
      SupersededError            a later try of the same task has taken over
      LoadError                  several apps or periods of one load failed; it holds them

``retryable`` says whether the same call can succeed later: operators end the task at once when it cannot. ``busy`` says
that a moment's wait may do, so the client itself tries again. ``stops_app`` says that the app's other calls would end
alike, so they are not made.

.. seealso:: https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class WeAnalysisError(Exception):
    """Base of every error this package raises on purpose."""

    #: Whether the same call can succeed later, so that Airflow's retries make sense.
    retryable: bool = False
    #: Whether a moment's wait may do, so that the client itself tries again.
    busy: bool = False
    #: Whether the other calls of the same app and endpoint would end alike.
    stops_app: bool = False


class ConfigurationError(WeAnalysisError, ValueError):
    """An argument, a connection field or a name that cannot work, whatever WeChat says."""

    stops_app = True


class WeAnalysisAPIError(WeAnalysisError):
    """WeChat answered with an error code.

    :param errcode: WeChat's code.
    :param errmsg: WeChat's text, with the ``rid`` cut off.
    :param rid: WeChat's request id, which its console can look up for seven days.
    :param endpoint: the endpoint's name in the catalogue, or the API path.
    :param period: the period asked for, if the call had one.
    :param appid: the mini program asked about.
    """

    advice: ClassVar[str] = ""

    def __init__(
        self,
        errcode: int,
        errmsg: str,
        rid: str | None = None,
        endpoint: str = "",
        period: object = None,
        appid: str = "",
    ) -> None:
        super().__init__(errcode, errmsg, rid, endpoint, period, appid)
        self.errcode = errcode
        self.errmsg = errmsg
        self.rid = rid
        self.endpoint = endpoint
        self.period = period
        self.appid = appid

    def __str__(self) -> str:
        where = call_name(self.endpoint, self.period, self.appid)
        known = ERRCODES.get(self.errcode)
        advice = (known.advice if known else "") or self.advice
        rid = f" (rid {self.rid})" if self.rid else ""
        return f"{where}: WeChat answered {self.errcode} {self.errmsg!r}{rid}. {advice}".rstrip()


class UnknownAPIError(WeAnalysisAPIError):
    """A code that WeChat's documentation of these endpoints does not list, so nobody knows whether it passes."""

    retryable = True
    advice = "The code is not one this package knows; look it up in WeChat's table of error codes."


class InvalidTokenError(WeAnalysisAPIError):
    """The access token was refused, and so was the fresh one asked for after that."""

    retryable = True
    stops_app = True
    advice = (
        "Another system probably refreshes this AppID's token with the legacy /cgi-bin/token endpoint, "
        "or the connection holds an old token (auth=static). "
        "Use auth=stable here and there, or auth=central if your company has a token server."
    )


class CredentialsError(WeAnalysisAPIError):
    """WeChat gives this connection no token."""

    stops_app = True
    advice = "Check AppID and AppSecret, or whatever else its auth takes tokens from, in the Airflow connection."


class NotAuthorizedError(WeAnalysisAPIError):
    """The account may not use this API."""

    stops_app = True
    advice = "Check the account's state and API permissions in the WeChat console (mp.weixin.qq.com)."


class DateRangeError(WeAnalysisAPIError):
    """WeChat does not take these dates."""

    advice = (
        "WeChat answers only for whole natural days, weeks (Monday to Sunday) and months that have ended. "
        "If the dates look right, try again later: it has been seen to refuse valid recent dates for a while."
    )


class DataNotReadyError(WeAnalysisAPIError):
    """WeChat has not published the period yet."""

    retryable = True
    advice = (
        "Figures appear between 8:00 and 15:00 Asia/Shanghai on the next day, mostly by 10:00. Schedule at 10:30, "
        "put a WeAnalysisDataSensor in front, or give the task retries some 30 minutes apart."
    )


class QuotaExceededError(WeAnalysisAPIError):
    """The day's calls of this API are used up, by every system that shares the AppID together."""

    retryable = True
    stops_app = True
    advice = "The quota starts anew at midnight Asia/Shanghai; the console can also clear it a few times a month."


class RateLimitError(WeAnalysisAPIError):
    """Too many calls within a minute, by every system that shares the AppID together."""

    retryable = True
    busy = True
    stops_app = True
    advice = "Set requests_per_minute in the connection, or put the tasks into a smaller Airflow pool."


class ServiceBusyError(WeAnalysisAPIError):
    """WeChat is busy."""

    retryable = True
    busy = True
    advice = "Try again in a few minutes, as Airflow's retries do."


class TransportError(WeAnalysisError):
    """No usable reply: network failure, HTTP status, or a body that is not JSON.

    :param message: what happened; never holds a URL's query, where WeChat wants the token.
    :param busy: whether a moment's wait may do.
    :param stops_app: whether nothing can be reached at all, so that other calls would end alike.
    """

    retryable = True

    def __init__(self, message: str, *, busy: bool = True, stops_app: bool = False) -> None:
        super().__init__(message)
        self.busy = busy
        self.stops_app = stops_app


class PayloadError(WeAnalysisError):
    """A reply whose shape, type or period is not what the catalogue says."""


class EmptyReportError(WeAnalysisError):
    """A closed period came back without rows.

    :param message: names endpoint, app and periods.
    :param retryable: ``True`` while WeChat may still publish the period.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class DestinationError(WeAnalysisError):
    """BigQuery refuses the table, the dataset or the permission.

    :param message: what is wrong with which table, and what to do.
    :param retryable: ``True`` if other writers were in the way.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class SupersededError(WeAnalysisError):
    """A later try of the same task has fenced this one off; it must not write any more.

    Airflow ignores what such a try reports. A run made anew under an old name can meet the old run's fences: then the
    next try gets past them.
    """

    retryable = True


class Failure(NamedTuple):
    """One period of one app that a load could not get.

    :param appid: the mini program; the connection's id where not even that is known.
    :param period: the period.
    :param error: why.
    """

    appid: str
    period: object
    error: WeAnalysisError


class LoadError(WeAnalysisError):
    """Several apps or periods of one load failed. Everything else is in the table.

    :param message: what failed, what is in the table, and how to go on.
    :param failures: every failure, in the order of apps and periods. ``retryable`` is true if any of them is.
    """

    def __init__(self, message: str, failures: Sequence[Failure]) -> None:
        super().__init__(message, failures)
        self.failures = tuple(failures)
        self.retryable = any(failure.error.retryable for failure in failures)

    def __str__(self) -> str:
        return str(self.args[0])


class ErrorCode(NamedTuple):
    """What the package knows of one errcode."""

    error: type[WeAnalysisAPIError]
    advice: str = ""


_CONSOLE = "WeChat console > development settings"
_UNSIGNED = (
    "The account demands encrypted and signed calls (API security): give the connection its keys, see README. "
    "If it has them, look for a proxy that drops the headers that begin with Wechatmp."
)
_CONFIRM = "The account's administrator must confirm this worker's IP in WeChat."
_BUG = "This looks like a bug in the provider or a proxy that changes requests; please report it."

#: Every errcode that these endpoints are known to give. What is not here becomes :class:`UnknownAPIError`.
ERRCODES: dict[int, ErrorCode] = {
    -1: ErrorCode(ServiceBusyError),
    40001: ErrorCode(InvalidTokenError),
    40002: ErrorCode(WeAnalysisAPIError, _BUG),
    40013: ErrorCode(CredentialsError, "The AppID (connection field login) is wrong."),
    40014: ErrorCode(InvalidTokenError),
    40125: ErrorCode(
        CredentialsError,
        "The AppSecret (connection field password) is wrong. Ask whoever keeps it: WeChat does not show it again, and "
        f"a reset in {_CONSOLE} cuts off every system that uses it.",
    ),
    40164: ErrorCode(CredentialsError, f"Add the IP it names to the IP allow-list in {_CONSOLE}."),
    **dict.fromkeys(range(40230, 40234), ErrorCode(CredentialsError, _UNSIGNED)),
    40234: ErrorCode(
        CredentialsError,
        "The key in signing_private_key does not belong to the public key in the console, or host is not WeChat's own "
        "address, which is signed too.",
    ),
    40235: ErrorCode(CredentialsError, "Compare symmetric_secret_key and symmetric_key_sn with the console."),
    **dict.fromkeys((40236, 40237), ErrorCode(CredentialsError, "The token is not of the AppID in login.")),
    40238: ErrorCode(CredentialsError, "The account has no symmetric key in the console, API security."),
    40239: ErrorCode(
        CredentialsError,
        "The console, API security, has no public key of the number in the connection's signing_key_sn.",
    ),
    40240: ErrorCode(CredentialsError, "This worker's clock is not WeChat's: set it (NTP)."),
    40243: ErrorCode(CredentialsError, f"The AppSecret is frozen; unfreeze it in {_CONSOLE}."),
    41001: ErrorCode(WeAnalysisAPIError, _BUG),
    41002: ErrorCode(CredentialsError, "The AppID (connection field login) is missing."),
    41004: ErrorCode(CredentialsError, "The AppSecret (connection field password) is missing."),
    42001: ErrorCode(InvalidTokenError),
    43002: ErrorCode(WeAnalysisAPIError, _BUG),
    43003: ErrorCode(WeAnalysisAPIError, "WeChat wants https; check schema and host of the connection."),
    44002: ErrorCode(WeAnalysisAPIError, _BUG),
    45009: ErrorCode(QuotaExceededError),
    45011: ErrorCode(RateLimitError),
    47001: ErrorCode(WeAnalysisAPIError, _BUG),
    48001: ErrorCode(NotAuthorizedError, "This kind of account, or this account, has no access to the API."),
    48004: ErrorCode(NotAuthorizedError, "WeChat has banned the account from this API; see the console's notices."),
    48006: ErrorCode(NotAuthorizedError, "The month's quota resets are used up."),
    48017: ErrorCode(NotAuthorizedError, "The IP address of a retired server was called; use a host name."),
    50002: ErrorCode(NotAuthorizedError, "The account is restricted; see the console's notices."),
    50004: ErrorCode(NotAuthorizedError, "The account may not use the token interface; see the console's notices."),
    50007: ErrorCode(NotAuthorizedError, "The account is frozen; see the console's notices."),
    61003: ErrorCode(NotAuthorizedError, "The mini program has not authorised this third-party platform."),
    61004: ErrorCode(CredentialsError, "Add this worker's IP to the third-party platform's allow-list."),
    61007: ErrorCode(NotAuthorizedError, "The third-party platform lacks permission set 18; authorise it again."),
    61023: ErrorCode(CredentialsError, "The authorizer_refresh_token is not valid any more; authorise again."),
    61500: ErrorCode(DateRangeError),
    61501: ErrorCode(DateRangeError),
    61503: ErrorCode(DataNotReadyError),
    61504: ErrorCode(ServiceBusyError),
    **dict.fromkeys((76003, 76021, 76022), ErrorCode(WeAnalysisAPIError, _BUG)),
    **dict.fromkeys((89501, 89502, 89504, 89505), ErrorCode(CredentialsError, _CONFIRM)),
    89503: ErrorCode(CredentialsError, "The account's administrator must confirm this call in WeChat."),
    89506: ErrorCode(CredentialsError, "The administrator refused this IP twice; it is blocked for 24 hours."),
    89507: ErrorCode(CredentialsError, "The administrator refused this IP; it is blocked for one hour."),
    9001001: ErrorCode(WeAnalysisAPIError, _BUG),
}

_RID = re.compile(r"\b(?:rid:\s*(?P<rid>[0-9a-zA-Z-]+)|hint:\s*\[(?P<hint>[^\]]*)\])\s*$")
#: WeChat's texts are a sentence long; what is longer comes from something in between.
_LONGEST_ERRMSG = 1000


def call_name(endpoint: str, period: object = None, appid: str = "") -> str:
    """Return what messages call a call to WeChat: its endpoint, its period if it has one, and the app."""
    return f"{endpoint}{f' {period}' if period else ''}{f' of app {appid}' if appid else ''}"


def api_error(
    reply: dict[str, object], endpoint: str, period: object = None, appid: str = ""
) -> WeAnalysisAPIError | None:
    """Make the error that a reply's errcode stands for.

    :param reply: WeChat's reply.
    :param endpoint: the endpoint's name or path, for the message.
    :param period: the period asked for, for the message.
    :param appid: the mini program asked about, for the message.
    :return: ``None`` if the reply has no errcode, or 0.
    :raises PayloadError: if the errcode is no number.
    """
    errcode = reply.get("errcode", 0)
    if isinstance(errcode, str) and re.fullmatch(r"-?[0-9]{1,18}", errcode):
        errcode = int(errcode)
    if not isinstance(errcode, int) or isinstance(errcode, bool):
        where = call_name(endpoint, period, appid)
        raise PayloadError(
            f"{where}: WeChat's reply has an errcode that is no number: {str(errcode)[:100]!r}. Look for a proxy that "
            "answers in its place."
        )
    if errcode == 0:
        return None
    errmsg = reply.get("errmsg")
    text = errmsg[:_LONGEST_ERRMSG] if isinstance(errmsg, str) else ""
    found = _RID.search(text)
    rid = (found["rid"] or found["hint"]) if found else None
    text = text[: found.start()].rstrip(" \t\n,") if found else text
    known = ERRCODES.get(errcode)
    return (known.error if known else UnknownAPIError)(errcode, text, rid, endpoint, period, appid)
