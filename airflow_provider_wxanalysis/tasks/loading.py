"""One load: fetch periods of many apps, replace their slices while fetching goes on, settle what was empty.

It gets as far as it can. Whatever has rows is written, whatever became of the rest; what could not be fetched is
counted for the one error at the end. What each outcome means is a table: :func:`outcomes.course`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, cast

import pendulum

from airflow_provider_wxanalysis.bigquery.chunks import Chunk, Key, Slice, pack
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.folding import folded
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.tasks import lookback, settling, telling
from airflow_provider_wxanalysis.tasks.background import in_background
from airflow_provider_wxanalysis.tasks.failures import kinds
from airflow_provider_wxanalysis.tasks.intake import Intake, Terms
from airflow_provider_wxanalysis.tasks.outcomes import Role
from airflow_provider_wxanalysis.tasks.progress import Progress
from airflow_provider_wxanalysis.tasks.tally import Tally
from airflow_provider_wxanalysis.tasks.writing import Writer
from airflow_provider_wxanalysis.wechat.pool import ask_all
from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError, Stop

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.bigquery.destination import Destination
    from airflow_provider_wxanalysis.exceptions import Failure
    from airflow_provider_wxanalysis.hooks.sharing import AppRef
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
    from airflow_provider_wxanalysis.periods import Period
    from airflow_provider_wxanalysis.tasks.results import LoadResult

log = logging.getLogger(__name__)

#: Seconds that a load waits at its end for BigQuery to accept a cancellation.
_PATIENCE = 2.0

Wanted = Mapping["AppRef", Sequence["Period"]]


class Load:
    """What one run of a task loads, and what came of it.

    :param terms: how to fetch.
    :param hooks: the apps.
    :param open_destination: opens the table.
    """

    def __init__(
        self, terms: Terms, hooks: Mapping[AppRef, WeAnalysisHook], open_destination: Callable[[], Destination]
    ) -> None:
        self.tally = Tally()
        self.progress = Progress(log)
        self._terms = terms
        self._hooks = hooks
        self._stop = Stop()
        self._ending: Future[None] | None = None
        self._intake = Intake(terms, self.tally, self.progress)
        self._writer = Writer(open_destination, self._stop, self._wrote)

    def run(self, due: Sequence[Period], earlier: Sequence[Period]) -> LoadResult:
        """Load the periods ``due``, and those ``earlier`` ones that have rows.

        :raises WeAnalysisError: if the table cannot be read or written. What could not be fetched is in the result.
        """
        try:
            for chunk in pack(self._slices(due, earlier)):
                self._writer.write(chunk)
            self._writer.finish()
            self._count_dropped(due)
            self._settle()
            destination = self._writer.destination
            result = self.tally.frozen(destination.table, self._terms.endpoint.name, destination.load_ids)
            if len(self._hooks) > 1:
                for line in telling.per_app(result):
                    log.info("%s", line)
            log.info("%s", telling.ending(result, self.progress.seconds))
            return result
        except BaseException as error:
            self.end()
            if isinstance(error, FetchCancelledError):
                self._writer.check()  # which knows why
            raise
        finally:
            self._writer.close()
            for hook in self._hooks.values():
                hook.close()

    def end(self) -> None:
        """End the load within seconds; a signal handler may call it. What is written by now stays."""
        self._stop.set()
        # Not in this thread: a handler that waits for a lock of the code it interrupts would wait forever.
        self._ending = self._ending or in_background(self._writer.cancel)
        with contextlib.suppress(TimeoutError):
            self._ending.result(_PATIENCE)

    def _slices(self, due: Sequence[Period], earlier: Sequence[Period]) -> Iterator[Slice]:
        wanted: Wanted = dict.fromkeys(self._hooks, due)
        wanted = self._remaining(due) if self._terms.loaded_since else wanted
        yield from self._fetched(wanted, Role.DUE, keep=bool(earlier))
        if earlier:
            yield from self._fetched(self._worthwhile(earlier), Role.LOOKBACK)
        if self._intake.doubtful:
            yield from self._believed()
        if self._intake.to_clear:
            yield from self._cleared()

    def _fetched(self, wanted: Wanted, role: Role, *, keep: bool = False) -> Iterator[Slice]:
        """Fetch; ``keep`` says whether the same apps may be asked again, with the tokens and the pace they have now."""
        self.progress.expect(sum(map(len, wanted.values())))
        refs = {str(number): ref for number, ref in enumerate(wanted)}
        lanes = (
            self._hooks[ref].lane(self._terms.endpoint, wanted[ref])._replace(key=key, keep=keep)
            for key, ref in refs.items()
            if wanted[ref]
        )
        with contextlib.closing(ask_all(lanes, in_flight=self._terms.in_flight, stop=self._stop)) as answers:
            for answer in answers:
                self._writer.check()
                if piece := self._intake.take(answer, refs[answer.lane.key], role):
                    yield piece

    def _remaining(self, due: Sequence[Period]) -> Wanted:
        """Return the due periods that this task has not loaded yet, judging by the jobs that wrote the table's rows."""
        for ref, hook in self._hooks.items():
            with contextlib.suppress(WeAnalysisError):  # its lane will report it
                self._intake.apps.setdefault(hook.appid, ref)
        done = self._own([(appid, period) for appid in self._intake.apps for period in due])
        appids = {ref: appid for appid, ref in self._intake.apps.items()}
        return {ref: [period for period in due if (appids.get(ref), period) not in done] for ref in self._hooks}

    def _worthwhile(self, earlier: Sequence[Period]) -> Wanted:
        """Return which earlier periods to fetch again of which app."""
        intake, terms = self._intake, self._terms
        apps = {appid: ref for appid, ref in intake.apps.items() if ref not in intake.held_back}
        keys = [(appid, period) for appid in apps for period in earlier]
        if keys and terms.loaded_since:
            done = self._own(keys)
            keys = [key for key in keys if key not in done]
        if keys and terms.by_need:
            now, ready_after = pendulum.now(SHANGHAI), terms.empty_is_ready_after
            keys = [key for key in keys if not self._writer.destination.drops(key[1])]
            found = self._writer.ask(lambda destination: destination.contents(keys))
            keys = lookback.needed(keys, found, terms.endpoint, now=now, ready_after=ready_after)
        wanted: dict[AppRef, list[Period]] = {}
        for appid, period in keys:
            wanted.setdefault(apps[appid], []).append(period)
        return wanted

    def _own(self, keys: Iterable[Key]) -> set[Key]:
        """Count those slices that this task has loaded already, and return them."""
        destination, since = self._writer.destination, self._terms.loaded_since
        done = set()
        for key, held in self._writer.ask(lambda destination: destination.contents(keys)).items():
            ours = held.loads == 1 and destination.identity.ran(destination.table, held.load_id or "")
            if ours and since and held.loaded_at and held.loaded_at >= since:
                done.add(key)
                self.tally.rows[key] = held.rows
                if self._terms.endpoint.truncated(held.rows):
                    self.tally.truncated.add(key)
                self.tally.load_ids.append(held.load_id or "")
        return done

    def _believed(self) -> Iterator[Slice]:
        """Yield figures with a cohort without users, except where the table has users of it."""
        doubtful = self._intake.doubtful
        fallen = self._writer.ask(lambda destination: settling.fallen(destination, doubtful))
        if fallen:
            self.tally.kept += fallen
            log.warning(
                "%s: WeChat's new figures have a cohort without users where the table has some, as when it serves "
                "nothing for a while. Left as they are: %s. To take the new ones, set on_empty='replace'.",
                self._terms.endpoint.name,
                folded(f"{period} of app {appid}" for appid, period in fallen),
            )
        for key, rows in doubtful.items():
            if key not in fallen and (piece := self._intake.encoded(key, rows, Role.DUE)):
                yield piece

    def _cleared(self) -> Iterator[Slice]:
        """Yield empty slices in place of those that hold rows; the others need no statement."""
        held = self._writer.ask(lambda destination: destination.contents(self._intake.to_clear))
        for key, role in self._intake.to_clear.items():
            if held[key].rows and (piece := self._intake.encoded(key, (), role)):
                yield piece

    def _count_dropped(self, due: Sequence[Period]) -> None:
        """Count what the table did not keep, because its partitions expire, as not loaded."""
        lost: dict[bool, list[Failure]] = {True: [], False: []}
        for failure in self._writer.dropped:
            key = failure.appid, cast("Period", failure.period)
            self.tally.rows.pop(key, None)
            self.tally.truncated.discard(key)
            lost[key[1] in due].append(failure)
        self.tally.failures += lost[True]
        self.tally.warnings += lost[False]
        for line in kinds(lost[False]):
            log.warning("An earlier period was not kept: %s", line)

    def _settle(self) -> None:
        """Decide what the empty replies for due periods mean, after everything else is in the table."""
        if not self._intake.unsettled:
            return
        endpoint, unsettled = self._terms.endpoint, self._intake.unsettled
        settled = self._writer.ask(lambda destination: settling.settle(destination, endpoint, unsettled))
        self.tally.failures += settled.failures
        self.tally.empty -= {(failure.appid, failure.period) for failure in settled.failures}
        if settled.accepted:
            self._writer.ask(lambda destination: destination.record_empty(settled.accepted))

    def _wrote(self, chunk: Chunk) -> None:
        self.progress.wrote(len(chunk.slices), sum(piece.rows for piece in chunk.slices))
