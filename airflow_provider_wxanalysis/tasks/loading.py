"""One load: fetch periods, replace their slices in as few statements as their bytes need, settle what was empty."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_wxanalysis.bigquery.chunks import Chunk, Slice, encode, pack
from airflow_provider_wxanalysis.bigquery.destination import Destination
from airflow_provider_wxanalysis.exceptions import EmptyReportError
from airflow_provider_wxanalysis.hooks.readiness import may_still_come
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.periods import Period

log = logging.getLogger(__name__)

OnEmpty = Literal["fail", "skip", "replace"]


@dataclass
class Load:
    """What one run of a task loads, and what came of it.

    :param hook: the way to WeChat.
    :param destination: the table.
    :param on_empty: what an empty reply means; see the operator.
    :param empty_is_ready_after: how long after a period's end an empty reply may mean "not yet".
    """

    hook: WeAnalysisHook
    destination: Destination
    on_empty: OnEmpty
    empty_is_ready_after: dt.timedelta
    periods: list[Period] = field(default_factory=list)
    empty: list[Period] = field(default_factory=list)
    truncated: list[Period] = field(default_factory=list)
    rows: int = 0

    def run(self, due: Sequence[Period], earlier: Sequence[Period]) -> None:
        """Load the periods ``due`` and, where they have rows, those fetched again.

        :raises EmptyReportError: if a due period is empty and ``on_empty`` does not allow it; all others are loaded.
        """
        self.periods = sorted([*due, *earlier])
        self._replace(pack(self._fetched()))
        if self.on_empty == "fail":
            self._settle([period for period in self.empty if period in due])

    def _replace(self, chunks: Iterator[Chunk]) -> None:
        """Replace one chunk's slices while the next one's periods are being fetched."""
        writing: Future[None] | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="weanalysis-writer") as writer:
            try:
                for chunk in chunks:
                    if writing:
                        writing.result()
                    writing = writer.submit(self.destination.replace, chunk)
            except BaseException as error:
                if not isinstance(error, Exception):  # the task is being ended
                    self.destination.cancel()
                raise
            finally:
                if writing:
                    writing.result()

    def _fetched(self) -> Iterator[Slice]:
        endpoint, appid = self.destination.endpoint, self.hook.appid
        for period, rows in self.hook.fetch_many(endpoint, self.periods):
            self.rows += len(rows)
            if not rows:
                self.empty.append(period)
            if endpoint.truncated(rows):
                self.truncated.append(period)
            if rows or self.on_empty == "replace":
                yield encode(endpoint, appid, period, rows)

    def _settle(self, empty: Sequence[Period]) -> None:
        """Decide what the empty replies for due periods mean, after all others are safely in the table."""
        if not empty:
            return
        where = f"{self.destination.endpoint.name} of app {self.hook.appid}"
        early = [period for period in empty if may_still_come(period, self.empty_is_ready_after)]
        if early:
            raise EmptyReportError(
                f"{where}: empty for {_listed(early)}, which may mean that WeChat has not published yet; ask again "
                f"after {early[-1].closes_at + self.empty_is_ready_after:%Y-%m-%d %H:%M} Asia/Shanghai. All other "
                "periods of this run are loaded.",
                retryable=True,
            )
        held = self.destination.contents((self.hook.appid, period) for period in empty)
        full = [period for (_, period), found in held.items() if found.rows]
        if full:
            raise EmptyReportError(
                f"{where}: empty for {_listed(full)}, for which the table holds rows; they were left alone. Set "
                "on_empty='replace' to remove them, or 'skip' to keep them.",
                retryable=False,
            )
        log.info("%s: no traffic in %s.", where, _listed(empty))


def _listed(periods: Sequence[Period]) -> str:
    return ", ".join(str(period) for period in periods)
