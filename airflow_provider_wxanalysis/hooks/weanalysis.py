"""The hook: one mini program's analytics, by endpoint and period."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseHook
from asgiref.sync import sync_to_async

from airflow_provider_wxanalysis.endpoints import Endpoint, resolve
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.folding import counted, folded_periods
from airflow_provider_wxanalysis.get_provider_info import HOOK_NAME
from airflow_provider_wxanalysis.hooks import form
from airflow_provider_wxanalysis.hooks.connections import unreadable
from airflow_provider_wxanalysis.hooks.masking import mask_handed_out, mask_token
from airflow_provider_wxanalysis.supervisor import TURN
from airflow_provider_wxanalysis.wechat import pool, records
from airflow_provider_wxanalysis.wechat.lanes import Lane
from airflow_provider_wxanalysis.wechat.redaction import redact
from airflow_provider_wxanalysis.wechat.settings import Settings
from airflow_provider_wxanalysis.wechat.waits import Stop

if TYPE_CHECKING:
    import requests

    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.wechat.client import Client


class WeAnalysisHook(BaseHook):
    """Fetch WeChat mini-program analytics.

    Constructing it does nothing: connection, network and clock wait for the first call. Use it as a context manager, or
    call :meth:`close`, so that no connection stays open.

    .. seealso:: https://developers.weixin.qq.com/miniprogram/dev/server/API/data-analysis/

    :param weanalysis_conn_id: Airflow connection of type ``weanalysis``: AppID, AppSecret and how to reach WeChat.
    :param appid: the app to ask about, where the connection serves several (``auth=central``); by default the
        connection's own.
    :param threads: whether :meth:`fetch_many` may make its calls in threads; else they are made one by one, in the
        caller's. In Airflow's triggerer new tokens can be masked from some threads only.
    :param attempts: the most tries of a call that a short wait may help.
    """

    conn_name_attr = "weanalysis_conn_id"
    default_conn_name = "weanalysis_default"
    conn_type = "weanalysis"
    hook_name = HOOK_NAME

    def __init__(
        self,
        weanalysis_conn_id: str = default_conn_name,
        appid: str | None = None,
        *,
        threads: bool = True,
        attempts: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.weanalysis_conn_id = weanalysis_conn_id
        self._appid = appid
        self._threads = threads
        self._attempts = attempts
        self._connections: dict[str, Any] = {}
        self._read_once: Settings | None = None
        self._client: tuple[int, Client] | None = None

    def __enter__(self) -> WeAnalysisHook:
        """Return the hook."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """End all calls under way and all connections. A signal handler may call it; a later call opens new ones."""
        if self._client:
            self._client[1].close()

    def for_app(self, appid: str | None) -> WeAnalysisHook:
        """Return a hook for another app that the same connection serves; the connection is read once for all of them.

        :param appid: the app's AppID; ``None`` for the connection's own.
        """
        hook = WeAnalysisHook(self.weanalysis_conn_id, appid, threads=self._threads, attempts=self._attempts)
        hook._connections = self._connections
        return hook

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the extra fields of the connection form, for Airflow before 3.2."""
        return form.connection_form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return labels and placeholders of the connection form, for Airflow before 3.2."""
        return form.ui_field_behaviour()

    @property
    def appid(self) -> str:
        """The app's AppID."""
        return self._settings.appid

    @property
    def app_name(self) -> str | None:
        """The name people use for the app: the connection's extra ``app_name``."""
        return self._settings.app_name

    @property
    def label(self) -> str:
        """The app in a label, without reading a connection: its AppID if given, else its name if already known."""
        name = self._read_once.app_name if self._read_once else None
        return self._appid or name or self.weanalysis_conn_id

    @property
    def _settings(self) -> Settings:
        """What the connection says; it is read once."""
        if self._read_once is None:
            with TURN:  # for its extras as well, which Airflow masks when they are read
                self._look_up()
                self._read_once = self._read()
        return self._read_once

    @property
    def client(self) -> Client:
        """The app's client; a new one if there is none yet, it has been closed, or another process opened it."""
        if self._client is None or self._client[0] != os.getpid() or self._client[1].closed:
            # Here and not above: DAG files import hooks, and requests is slow to import.
            from airflow_provider_wxanalysis.wechat.client import Client

            self._client = os.getpid(), Client(self._settings, mask_token, attempts=self._attempts)
        return self._client[1]

    def get_conn(self) -> requests.Session:
        """Return a session that adds the access token to every request to the API's host.

        Its errors are those of ``requests``; neither they nor the replies show a query. It does not do API
        security: use :meth:`post` for that.
        """
        return self.client.session(mask_handed_out)

    def lane(self, endpoint: str | Endpoint, periods: Iterable[Period]) -> Lane:
        """Return the question for several periods, to be asked together with other apps' by
        :func:`~airflow_provider_wxanalysis.wechat.pool.ask_all`. Nothing is read before its turn comes.

        :param endpoint: a name of the catalogue, or an entry.
        :param periods: the periods; may be an iterator.
        """
        key = f"{self.weanalysis_conn_id}/{self._appid}" if self._appid else self.weanalysis_conn_id
        return Lane(lambda: self.client, resolve(endpoint), periods, key)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call any WeChat endpoint that takes a JSON body, handling token, retries and errors.

        With the keys of API security in the connection the call is encrypted and signed, which most endpoints
        support; see the endpoint's official page.

        :param path: URL path, such as ``/cgi-bin/openapi/quota/get``.
        :param body: what to send.
        :return: WeChat's reply.
        :raises WeAnalysisAPIError: if the reply holds an errcode.
        :raises TransportError: if no usable reply came.
        """
        return self.client.post(path, body, endpoint=path)

    def fetch(self, endpoint: str | Endpoint, period: Period) -> list[records.Row]:
        """Fetch the rows of one period.

        :param endpoint: a name of the catalogue, or an entry.
        :param period: the period, one of the endpoint's window.
        :return: rows ready for JSON: common columns, the endpoint's own, and ``_extra``; no load columns.
        :raises WeAnalysisAPIError: if WeChat refuses, or has not published the period (:class:`DataNotReadyError`).
        :raises TransportError: if no usable reply came.
        :raises PayloadError: if the reply is not what the catalogue says.
        """
        ((_, rows),) = self._ask(resolve(endpoint), [period])
        return rows

    def fetch_many(
        self, endpoint: str | Endpoint, periods: Iterable[Period]
    ) -> Iterator[tuple[Period, list[records.Row]]]:
        """Fetch several periods, with several requests in flight, and yield them in the order given.

        Each comes as soon as it is there and all before it have come. Memory is bounded: at most twice
        ``max_concurrency`` (connection extra) replies are held.

        :param endpoint: a name of the catalogue, or an entry.
        :param periods: the periods; may be an iterator.
        :raises: what :meth:`fetch` raises, when the turn of the failed period comes.
        """
        return self._ask(resolve(endpoint), periods)

    def _ask(self, entry: Endpoint, periods: Iterable[Period]) -> Iterator[tuple[Period, list[records.Row]]]:
        lane = self.lane(entry, periods)._replace(keep=True)
        width = self._settings.max_concurrency
        asking = pool.ask_all([lane], in_flight=width, stop=Stop(), threads=self._threads, in_order=True)
        fetched: list[tuple[Period, int]] = []
        with closing(asking) as answers:
            for answer in answers:
                if answer.rows is None:
                    raise answer.error or AssertionError("an answer without rows or error")
                rows = list(answer.rows)
                fetched.append((answer.period, len(rows)))
                if answer.empty_parts and rows:
                    nothing = "; ".join(answer.empty_parts)
                    self.log.warning("%s %s of app %s: nothing for %s.", entry.name, answer.period, self.appid, nothing)
                yield answer.period, rows
        # One line for all: a line of its own for each period would take a tenth of a long fetch's CPU time.
        self.log.info("%s of app %s: %s.", entry.name, self.appid, _in_words(entry, fetched))

    def test_connection(self) -> tuple[bool, str]:
        """Fetch a token and ask for the quota of one analysis endpoint: once, and within seconds.

        :return: whether it worked, and what a person should know or do.
        """
        from airflow_provider_wxanalysis.wechat.probe import probe

        try:
            # Airflow's API server tests under a random connection id: errors should not name it.
            return True, probe(Settings.read(self.get_connection(self.weanalysis_conn_id), self._appid), mask_token)
        except WeAnalysisError as error:
            return False, str(error)
        except Exception as error:  # such as a missing connection: the button shows it
            return False, redact(f"{type(error).__name__}: {error}")

    async def aread_connection(self) -> None:
        """Read the Airflow connection without blocking the event loop; for triggers.

        If that fails, what needs the connection raises, as it does in a worker.
        """
        read = getattr(self, "aget_connection", None) or sync_to_async(self.get_connection)  # the former since 3.1
        try:
            self._connections[self.weanalysis_conn_id] = await read(self.weanalysis_conn_id)
        except Exception as error:
            self._connections[self.weanalysis_conn_id] = unreadable(self.weanalysis_conn_id, error)

    def _look_up(self) -> None:
        """Have Airflow look up the connection, unless it is known."""
        if self.weanalysis_conn_id in self._connections:
            return
        try:
            self._connections[self.weanalysis_conn_id] = self.get_connection(self.weanalysis_conn_id)
        except Exception as error:  # of whichever secrets backend
            self._connections[self.weanalysis_conn_id] = unreadable(self.weanalysis_conn_id, error)

    def _read(self) -> Settings:
        """Check the connection. No variable holds it: a traceback with variables would show its password.

        Errors leave without the frames that they came through, some of which have such variables.
        """
        try:
            if isinstance(self._connections[self.weanalysis_conn_id], WeAnalysisError):
                raise self._connections[self.weanalysis_conn_id]
            return Settings.from_connection(self._connections[self.weanalysis_conn_id], self._appid)
        except Exception as error:
            failed = unreadable(self.weanalysis_conn_id, error)
        raise failed.with_traceback(None)


def _in_words(endpoint: Endpoint, fetched: list[tuple[Period, int]]) -> str:
    """Say how many rows came of which periods, and whether all came."""
    periods = folded_periods(period for period, _ in fetched) or "no period"
    cut = sum(endpoint.truncated(rows) for _, rows in fetched)
    top = f"; lists cut by WeChat at {endpoint.row_limit} rows: {cut}" if cut else ""
    return f"{counted(sum(rows for _, rows in fetched), 'row')} of {periods}{top}"
