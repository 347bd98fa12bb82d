"""The states as a table to read in ten seconds: whatever is complete is folded, the rest has a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from airflow_provider_wxanalysis.coverage.ranges import Range
from airflow_provider_wxanalysis.coverage.states import Coverage, State
from airflow_provider_wxanalysis.folding import folded

#: The most lines of the table; the apps that lack most come first.
LINES = 40
#: States that need no attention. An app, or an endpoint of an app, with nothing else is folded.
WHOLE = frozenset({State.LOADED, State.MATURING, State.TRUNCATED, State.EMPTY})

Counts = Counter[State]
Line = tuple[str, ...]


def counts(coverages: Iterable[Coverage]) -> dict[str, dict[str, Counts]]:
    """Return how many periods are in which state, by app and endpoint."""
    found: dict[str, dict[str, Counts]] = {}
    for coverage in coverages:
        for appid, states in coverage.states.items():
            found.setdefault(appid, {})[coverage.endpoint.name] = Counter(states)
    return found


def totals(coverages: Iterable[Coverage]) -> Counts:
    """Return how many periods are in which state, over all apps and endpoints."""
    return Counter(state for coverage in coverages for states in coverage.states.values() for state in states)


def total(parts: Iterable[Counts]) -> Counts:
    """Return the sum of counts."""
    return sum(parts, Counter())


def table(coverages: Iterable[Coverage], names: Mapping[str, str]) -> str:
    """Return the table.

    :param coverages: the states, endpoint by endpoint.
    :param names: what to call each app, by AppID.
    """
    by_app = counts(coverages)
    all_of_it = {appid: total(own.values()) for appid, own in by_app.items()}
    whole = [appid for appid, own in all_of_it.items() if _is_whole(own)]
    others = sorted(
        by_app.keys() - set(whole), key=lambda appid: (-_lacking(all_of_it[appid]), names.get(appid, appid))
    )
    shown = [state for state in State if total(all_of_it.values())[state]]
    lines = [line for appid in others for line in _app(names.get(appid, appid), by_app[appid], shown)]
    if len(lines) > LINES:
        lines[LINES:] = [(f"… {len(lines) - LINES} more lines", "", "", *("" for _ in shown))]
    if whole:
        label = names.get(whole[0], whole[0]) if len(whole) == 1 else f"{len(whole)} apps"
        lines.append(_line(f"{label}, complete", "all", total(all_of_it[appid] for appid in whole), shown))
    return "\n".join(_aligned([("app", "endpoint", "periods", *map(str, shown)), *lines]))


def plan_lines(plan: Sequence[Range], names: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each range to load."""
    for item in plan:
        apps = [names.get(appid, appid) for appid in item.appids]
        dates = str(item.from_date) if item.from_date == item.to_date else f"{item.from_date} to {item.to_date}"
        yield f"{item.endpoint} {dates}: {folded(apps)}"


def _app(name: str, endpoints: Mapping[str, Counts], shown: Sequence[State]) -> Iterator[Line]:
    """Yield an app's lines: one per endpoint that lacks something, and one for all others."""
    whole = [own for own in endpoints.values() if _is_whole(own)]
    for endpoint, own in endpoints.items():
        if not _is_whole(own):
            yield _line(name, endpoint, own, shown)
    if whole:
        yield _line(name, f"{len(whole)} other{'' if len(whole) == 1 else 's'}", total(whole), shown)


def _line(app: str, endpoint: str, found: Counts, shown: Sequence[State]) -> Line:
    return (app, endpoint, str(found.total()), *(str(found[state] or ".") for state in shown))


def _is_whole(found: Counts) -> bool:
    return not _lacking(found)


def _lacking(found: Counts) -> int:
    return sum(number for state, number in found.items() if state not in WHOLE)


def _aligned(lines: Sequence[Line]) -> Iterator[str]:
    widths = [max(_width(cell) for cell in column) for column in zip(*lines, strict=True)]
    for app, endpoint, *numbers in lines:
        texts = [_padded(app, widths[0]), _padded(endpoint, widths[1])]
        texts += [number.rjust(width) for number, width in zip(numbers, widths[2:], strict=True)]
        yield "  ".join(texts).rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """How many columns a text takes in a terminal, where Chinese characters are twice as wide."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)
