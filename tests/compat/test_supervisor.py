"""A task talks to Airflow's supervisor over one socket, on which Airflow before 3.2 does not keep threads apart."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from airflow_provider_wxanalysis.operators.weanalysis import WeAnalysisDailySummaryOperator

comms = pytest.importorskip("airflow.sdk.execution_time.comms", reason="Airflow 2 tasks have no supervisor")

#: Seconds after which a task that makes two dozen calls to this machine is taken to hang.
HANGS = 60
IDS = [f"wx{number:016x}" for number in range(12)]


class Supervisor(threading.Thread):
    """Answers a task's requests in their order: with a connection, or with nothing."""

    def __init__(self, end, connections):
        super().__init__(daemon=True)
        self._end = end
        self._connections = connections
        self.masked = []

    def run(self):
        import msgspec

        while head := self._read(4):
            number, request, *_ = msgspec.msgpack.decode(self._read(int.from_bytes(head, "big")))
            if request["type"] == "MaskSecret":
                self.masked.append(request["value"])
            found = self._connections.get(request.get("conn_id"))
            reply = found and comms.ConnectionResult(**found).model_dump(by_alias=True)
            self._end.sendall(comms._ResponseFrame(id=number, body=reply, error=None).as_bytes())

    def _read(self, size):
        found = b""
        while len(found) < size and (piece := self._end.recv(size - len(found))):
            found += piece
        return found


def as_result(conn_id, connection):
    fields = {name: connection.get(name) for name in ("conn_type", "host", "login", "password", "schema", "port")}
    return {"conn_id": conn_id, **fields, "extra": json.dumps(connection["extra"])}


@pytest.fixture
def supervisor(wechat_server, monkeypatch):
    from airflow.sdk.execution_time import task_runner

    ours, theirs = socket.socketpair()
    known = {f"app{number}": wechat_server.connection(appid) for number, appid in enumerate(IDS)}
    thread = Supervisor(theirs, {conn_id: as_result(conn_id, connection) for conn_id, connection in known.items()})
    thread.start()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms.CommsDecoder(socket=ours), raising=False)
    yield thread
    for end in (ours, theirs):
        end.shutdown(socket.SHUT_RDWR)
        end.close()


def in_a_thread(work):
    future: Future[Any] = Future()

    def run():
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


@pytest.mark.parametrize("wechat_server_options", [{"apps": IDS}], indirect=True)
def test_connections_and_masks_take_turns(supervisor):
    """The iterating thread reads connections while others have the first apps' tokens masked."""
    task = WeAnalysisDailySummaryOperator(
        task_id="t", weanalysis_conn_id=[*supervisor._connections], from_date="2026-03-01", to_date="2026-03-02"
    )
    assert len(in_a_thread(lambda: task.execute({})).result(HANGS)) == 2 * len(IDS)
    assert supervisor.masked
