"""The destination of a load: opened, and written to, while the main thread goes on asking WeChat."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_wxanalysis.tasks.background import Background, in_background, wait_for
from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.bigquery.chunks import Chunk
    from airflow_provider_wxanalysis.bigquery.destination import Destination
    from airflow_provider_wxanalysis.exceptions import Failure
    from airflow_provider_wxanalysis.wechat.waits import Stop

T = TypeVar("T")


class Writer:
    """Opens the destination at once, and replaces one chunk's slices at a time, in the background.

    :param open_destination: opens it. Google's client alone takes a second to import.
    :param stop: is set when something has gone wrong, so that no more is fetched than can be written.
    :param wrote: is called when a chunk's slices have been replaced.
    """

    def __init__(self, open_destination: Callable[[], Destination], stop: Stop, wrote: Callable[[Chunk], None]) -> None:
        self._stop = stop
        self._wrote = wrote
        self._writing: Future[None] | None = None
        #: What was written and did not stay.
        self.dropped: list[Failure] = []
        self._background = Background()
        self._opening = self._start(open_destination)

    @property
    def destination(self) -> Destination:
        """The destination, as soon as it is open.

        :raises WeAnalysisError: if it cannot be opened.
        """
        return self._result(self._opening)

    def ask(self, question: Callable[[Destination], T]) -> T:
        """Have ``question`` answered in a thread of its own, since nothing wakes one that waits for BigQuery.

        :raises FetchCancelledError: if the load is to end meanwhile.
        """
        destination = self.destination
        self.check()
        return self._result(in_background(question, destination))

    def write(self, chunk: Chunk) -> None:
        """Wait for the chunk before, and start to replace this one's slices.

        :raises Exception: if the chunk before could not be written.
        """
        self.finish()
        self._writing = self._start(self._replace, chunk)

    def finish(self) -> None:
        """Wait until all chunks are written.

        :raises Exception: if one could not be.
        """
        if self._writing is not None:
            self._result(self._writing)

    def check(self) -> None:
        """Raise what has gone wrong in the background meanwhile, if anything has."""
        for future in (self._opening, self._writing):
            if future is not None and future.done():
                future.result()
        self._stop.check()

    def cancel(self) -> None:
        """End all waits now, and the BigQuery job under way. Nothing more is written.

        Returns once nothing is being written any more: a job that is just being submitted is cancelled in the
        background, as soon as BigQuery has it.
        """
        self._stop.set()
        if (destination := self._opened()) is not None:
            destination.cancel()
        if self._writing is not None:
            concurrent.futures.wait([self._writing])

    def close(self) -> None:
        """Let the thread end, and close the destination's connections."""
        self._background.end()
        if (destination := self._opened()) is not None:
            with contextlib.suppress(Exception):
                destination.close()

    def _opened(self) -> Destination | None:
        done = self._opening.done() and self._opening.exception() is None
        return self._opening.result() if done else None

    def _replace(self, chunk: Chunk) -> None:
        destination = self._opening.result()
        self._stop.check()
        self.dropped += destination.replace(chunk)
        self._wrote(chunk)

    def _start(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        future = self._background.submit(work, *arguments)
        future.add_done_callback(self._notice)
        return future

    def _notice(self, future: Future[Any]) -> None:
        if future.exception() is not None:
            self._stop.set()

    def _result(self, future: Future[T]) -> T:
        try:
            return wait_for(future, self._stop)
        except FetchCancelledError:
            self.check()  # raises what has gone wrong before, if anything has
            raise
