"""One error for everything a load could not get, short enough to read with five hundred apps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from airflow_provider_wxanalysis.exceptions import Failure, LoadError, WeAnalysisAPIError, WeAnalysisError
from airflow_provider_wxanalysis.folding import counted, folded, folded_periods
from airflow_provider_wxanalysis.periods import Period

#: How many kinds of errors a message quotes.
_KINDS = 5


def combined(failures: Sequence[Failure], endpoint: str, loaded: str) -> WeAnalysisError:
    """Return the error that a load ends with.

    :param failures: what failed, at least one.
    :param endpoint: name of the endpoint.
    :param loaded: what is in the table.
    :return: a lone failure's own error, else a :class:`LoadError` that lists them, those first that no retry can fix.
    """
    if len(failures) == 1:
        return failures[0].error
    ordered = sorted(failures, key=lambda failure: failure.error.retryable)
    apps = len({failure.appid for failure in ordered})
    listed = "\n".join(f"- {line}" for line in kinds(ordered))
    return LoadError(
        f"{endpoint}: {counted(len(ordered), 'period')} of {counted(apps, 'app')} could not be loaded.\n{listed}\n"
        f"{loaded} {_advice(ordered)}",
        ordered,
    )


def kinds(failures: Iterable[Failure]) -> Iterator[str]:
    """Yield one line for each kind of error: how many apps and periods it affects, and one of its messages."""
    groups: dict[tuple[object, ...], list[Failure]] = {}
    for failure in failures:
        error = failure.error
        code = error.errcode if isinstance(error, WeAnalysisAPIError) else None
        groups.setdefault((type(error), code), []).append(failure)
    for number, group in enumerate(groups.values()):
        if number == _KINDS:
            yield f"and {counted(len(groups) - _KINDS, 'other kind')} of errors"
            return
        yield f"{_who(group)}: {type(group[0].error).__name__}: {group[0].error}"


def _who(group: Sequence[Failure]) -> str:
    apps = list(dict.fromkeys(failure.appid for failure in group))
    named = f"app {apps[0]}" if len(apps) == 1 else f"{len(apps)} apps ({folded(apps)})"
    return f"{named}, {folded_periods(failure.period for failure in group if isinstance(failure.period, Period))}"


def _advice(ordered: Sequence[Failure]) -> str:
    final = sum(not failure.error.retryable for failure in ordered)
    if final == len(ordered):
        return "A retry cannot fix these: do what the lines above say, then clear the task."
    if not final:
        return "The next try asks only for what is missing."
    return (
        "The next try asks only for what is missing; those at the top stay missing until you have done what their "
        "lines say."
    )
