"""What a load asks the table before it believes an empty reply, or figures that have fallen to nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_wxanalysis.bigquery.chunks import Key
from airflow_provider_wxanalysis.catalogue.shapes import COHORTS
from airflow_provider_wxanalysis.exceptions import EmptyReportError, Failure, call_name
from airflow_provider_wxanalysis.folding import counted
from airflow_provider_wxanalysis.tasks.outcomes import Verdict

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.bigquery.destination import Destination
    from airflow_provider_wxanalysis.endpoints import Endpoint

log = logging.getLogger(__name__)


class Settled(NamedTuple):
    """What became of empty replies past their time.

    :param accepted: the table holds nothing either.
    :param failures: the table holds rows, which are left alone, and that was not asked for.
    """

    accepted: list[Key]
    failures: list[Failure]


def settle(destination: Destination, endpoint: Endpoint, empty: Mapping[Key, Verdict]) -> Settled:
    """Decide what empty replies for due periods mean, after everything else is safely in the table.

    :param destination: the table.
    :param endpoint: what it holds.
    :param empty: the periods, and what their being empty means.
    """
    unasked = [key for key, verdict in empty.items() if verdict is Verdict.SETTLE]  # else a person has decided
    before = {key: (key[0], endpoint.window.earlier(key[1], 1)) for key in unasked}
    found = destination.contents([*empty, *before.values()])
    accepted = [key for key in empty if not found[key].rows]
    failures = []
    for key in unasked:
        appid, period = key
        name = call_name(endpoint.name, period, appid)
        if held := found[key].rows:
            error = EmptyReportError(
                f"{name}: WeChat's reply is empty, and the table holds {counted(held, 'row')}, left as they are. "
                "Set on_empty='replace' to remove them, or 'skip' to keep them."
            )
            failures.append(Failure(appid, period, error))
        elif rows := found[before[key]].rows:
            log.warning("%s: accepted as empty, though %s had %s.", name, before[key][1], counted(rows, "row"))
    return Settled(accepted, failures)


def fallen(destination: Destination, doubtful: Mapping[Key, Sequence[Mapping[str, Any]]]) -> list[Key]:
    """Return the slices with a cohort that has users in the table and none in WeChat's new reply.

    :param destination: a table of retention figures.
    :param doubtful: new rows of slices with a cohort without users.
    """
    from airflow_provider_wxanalysis.bigquery.cohorts import living_cohorts

    living = living_cohorts(destination, doubtful)
    return [key for key, rows in doubtful.items() if living.get(key, frozenset()) & lifeless(rows)]


def lifeless(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the cohorts that have no users at all, or not even a row."""
    return frozenset(COHORTS) - {row["cohort"] for row in rows if row["users"]}
