"""The destination is opened and written to in the background, and what goes wrong there comes to light."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider_wxanalysis.tasks.writing import Writer
from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError, Stop

#: Chunks, which the writer only hands on; the last one is refused.
FIRST: Any = "first"
SECOND: Any = "second"
REFUSED: Any = OSError("refused")


class Destination:
    """Writes what it is given, as soon as it may; or refuses it."""

    def __init__(self):
        self.may_write = threading.Event()
        self.written: list[Any] = []
        self.cancelled = 0

    def replace(self, chunk):
        self.may_write.wait()
        if isinstance(chunk, Exception):
            raise chunk
        self.written.append(chunk)
        return []

    def cancel(self):
        self.cancelled += 1
        self.may_write.set()


@pytest.fixture
def destination():
    made = Destination()
    yield made
    made.may_write.set()


@pytest.fixture
def stop():
    return Stop()


def test_one_chunk_is_written_while_the_next_is_made(destination, stop):
    told: list[Any] = []
    writer = Writer(lambda: destination, stop, told.append)
    writer.write(FIRST)
    destination.may_write.set()
    writer.write(SECOND)
    writer.finish()
    assert destination.written == told == [FIRST, SECOND]
    writer.check()


def test_a_chunk_that_is_refused_comes_to_light_and_stops_the_fetching(destination, stop):
    writer = Writer(lambda: destination, stop, lambda chunk: None)
    writer.write(REFUSED)
    stopped = threading.Event()
    with stop.calling(stopped.set):
        destination.may_write.set()
        assert stopped.wait(60)
    with pytest.raises(OSError, match="refused"):
        writer.check()
    with pytest.raises(OSError, match="refused"):
        writer.write(SECOND)
    with pytest.raises(OSError, match="refused"):
        writer.finish()


def test_a_destination_that_cannot_be_opened(stop):
    def refuse():
        raise OSError("no such dataset")

    writer = Writer(refuse, stop, lambda chunk: None)
    with pytest.raises(OSError, match="no such dataset"):
        _ = writer.destination
    writer.write(FIRST)
    with pytest.raises(OSError, match="no such dataset"):
        writer.finish()
    writer.cancel()


def test_a_load_that_is_to_end_waits_for_nothing(destination, stop, monkeypatch):
    writer = Writer(lambda: destination, stop, lambda chunk: None)
    opened: Any = writer.destination
    assert opened is destination
    monkeypatch.setattr(destination, "cancel", lambda: None)  # a request that hangs
    writer.write(FIRST)
    threading.Thread(target=writer.cancel, daemon=True).start()
    with pytest.raises(FetchCancelledError):
        writer.finish()
    with pytest.raises(FetchCancelledError):
        writer.check()
    assert destination.written == []


def test_nothing_is_written_after_it_was_told_to_end(destination, stop):
    may_open = threading.Event()

    def open_destination():
        may_open.wait()
        return destination

    writer = Writer(open_destination, stop, lambda chunk: None)
    writer.write(FIRST)
    cancelling, stopped = threading.Thread(target=writer.cancel), threading.Event()
    with stop.calling(stopped.set):
        cancelling.start()
        assert stopped.wait(60)
    may_open.set()
    destination.may_write.set()
    cancelling.join()
    with pytest.raises(FetchCancelledError):
        writer.finish()
    assert destination.written == []
