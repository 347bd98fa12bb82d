"""What can go wrong, and what a person should do about it.

::

    WeAnalysisError
      ConfigurationError         an argument, a connection field or a table name that cannot work (also a ValueError)
      WeAnalysisAPIError         WeChat answered with an errcode
        UnknownAPIError            an errcode that this package does not know
        InvalidTokenError          40001 40014 42001: the token was refused twice
        CredentialsError           AppID, AppSecret, IP allow-list, administrator's consent
        NotAuthorizedError         the account may not use this API
        DateRangeError             61500 61501: WeChat does not take these dates
        DataNotReadyError          61503: not published yet
        QuotaExceededError         45009: today's calls are used up
        RateLimitError             45011: too many calls this minute
        ServiceBusyError           -1 61504: try again in a moment
      TransportError             no usable reply: network, HTTP status, broken body; a secrets backend out of reach
      PayloadError               a reply that is not what the catalogue says
      EmptyReportError           a period without rows where rows were expected
      DestinationError           BigQuery refuses the table, the dataset or the permission
      SupersededError            a later try of the same task has taken over
      LoadError                  several apps or periods of one load failed; it holds them

``retryable``: the same call can succeed later; operators end the task at once on an error without it. ``busy``: a short
wait may be enough, so the client itself retries. ``stops_app``: the app's other calls would fail the same way, so they
are not made.

.. seealso:: https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class WeAnalysisError(Exception):
    """Base of every error this package raises on purpose."""

    #: Whether the same call can succeed later, so that Airflow's retries make sense.
    retryable: bool = False
    #: Whether a short wait may be enough, so that the client itself retries.
    busy: bool = False
    #: Whether the other calls of the same app and endpoint would fail the same way.
    stops_app: bool = False


class ConfigurationError(WeAnalysisError, ValueError):
    """An argument, a connection field or a name that cannot work, whatever WeChat says."""

    stops_app = True


class WeAnalysisAPIError(WeAnalysisError):
    """WeChat answered with an error code.

    :param errcode: WeChat's code.
    :param errmsg: WeChat's text, without the ``rid``.
    :param rid: WeChat's request id, which its console can look up for seven days.
    :param endpoint: the endpoint's name in the catalogue, or the API path.
    :param period: the period asked for, if the call had one.
    :param appid: the mini program asked about.
    :param advice: what a person should do.
    """

    def __init__(
        self,
        errcode: int,
        errmsg: str,
        rid: str | None = None,
        endpoint: str = "",
        period: object = None,
        appid: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(errcode, errmsg, rid, endpoint, period, appid, advice)
        self.errcode = errcode
        self.errmsg = errmsg
        self.rid = rid
        self.endpoint = endpoint
        self.period = period
        self.appid = appid
        self.advice = advice

    def __str__(self) -> str:
        where = call_name(self.endpoint, self.period, self.appid)
        rid = f" (rid {self.rid})" if self.rid else ""
        return f"{where}: WeChat answered {self.errcode} {self.errmsg!r}{rid}. {self.advice}".rstrip()


class UnknownAPIError(WeAnalysisAPIError):
    """A code that WeChat's documentation of these endpoints does not list, so it may or may not go away on its own."""

    retryable = True


class InvalidTokenError(WeAnalysisAPIError):
    """The access token was refused, and so was the fresh one asked for after that."""

    retryable = True
    stops_app = True


class CredentialsError(WeAnalysisAPIError):
    """WeChat rejects this connection's credentials."""

    stops_app = True


class NotAuthorizedError(WeAnalysisAPIError):
    """The account may not use this API."""

    stops_app = True


class DateRangeError(WeAnalysisAPIError):
    """WeChat does not take these dates."""


class DataNotReadyError(WeAnalysisAPIError):
    """WeChat has not published the period yet."""

    retryable = True


class QuotaExceededError(WeAnalysisAPIError):
    """The day's calls of this API are used up, by every system that shares the AppID together."""

    retryable = True
    stops_app = True


class RateLimitError(WeAnalysisAPIError):
    """Too many calls within a minute, by every system that shares the AppID together."""

    retryable = True
    busy = True
    stops_app = True


class ServiceBusyError(WeAnalysisAPIError):
    """WeChat is busy."""

    retryable = True
    busy = True


class TransportError(WeAnalysisError):
    """No usable reply: network failure, HTTP status, or a body that is not JSON; or a secrets backend out of reach.

    :param message: what happened; never contains a URL's query, which carries the token.
    :param busy: whether a short wait may be enough.
    :param stops_app: whether nothing can be reached at all, so that other calls would fail the same way.
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
    :param retryable: ``True`` if other writers held the table.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class SupersededError(WeAnalysisError):
    """A later try of the same task has fenced this one off; it must not write any more.

    Airflow ignores what such a try reports. A run recreated under an old run id may meet the old run's jobs; the next
    try gets past them.
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


def call_name(endpoint: str, period: object = None, appid: str = "") -> str:
    """Return how messages name a call to WeChat: endpoint, period (if any) and app."""
    return f"{endpoint}{f' {period}' if period else ''}{f' of app {appid}' if appid else ''}"
