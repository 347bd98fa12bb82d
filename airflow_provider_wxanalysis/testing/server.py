"""The WeChat API on a socket of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self, Unpack

from airflow_provider_wxanalysis.testing.wechat import Switches, WeChat
from airflow_provider_wxanalysis.testing.wire import Listener


class WeChatServer(WeChat):
    """A WeChat API on a real socket, for tests and for trying DAGs.

    Use it as a context manager, or :meth:`start` and :meth:`stop` it::

        with WeChatServer(now=datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))) as server:
            server.faults.add(faults.errcode(45011), endpoint="visit_page")
            connection = server.connection("wx0123456789abcdef")

    :param apps: the apps that exist; see :class:`~airflow_provider_wxanalysis.testing.WeChat`.
    :param host: address to listen on.
    :param port: port to listen on; 0 for any free one.
    :param switches: the keyword arguments of :class:`~airflow_provider_wxanalysis.testing.WeChat`.
    """

    def __init__(
        self,
        apps: Mapping[str, str] | int | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        **switches: Unpack[Switches],
    ) -> None:
        super().__init__(apps, **switches)
        self._address = (host, port)
        self._listener: Listener | None = None

    def start(self) -> Self:
        """Listen and answer, in threads of its own.

        :return: the server.
        :raises RuntimeError: if it is running already.
        :raises OSError: if it cannot listen on the address.
        """
        if self._listener is not None:
            raise RuntimeError("The server is already running.")
        self._listener = Listener(self._address, self.answer)
        self._listener.start()
        return self

    def stop(self) -> None:
        """Close all connections and wait until the threads are done. What was recorded stays."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on.

        :raises RuntimeError: if it is not running.
        """
        if self._listener is None:
            raise RuntimeError("The server is not running.")
        return int(self._listener.server_address[1])

    @property
    def url(self) -> str:
        """The API base, without a slash at the end."""
        return f"http://{self._address[0]}:{self.port}"
