"""The same figures broken down: by source and stay, by page, by who the people are, and performance."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from airflow_provider_wxanalysis.catalogue.labels import SOURCES
from airflow_provider_wxanalysis.testing import names
from airflow_provider_wxanalysis.testing.figures import App, rolls, tidy, visits, visits_on

Json = dict[str, Any]

TOP_PAGES = 200


def split(total: int, weights: Sequence[float]) -> list[int]:
    """Divide ``total`` into whole parts by weight; they add up to it exactly."""
    scale = total / sum(weights)
    edges = [round(edge * scale) for edge in itertools.accumulate(weights)]
    return [upper - lower for lower, upper in zip([0, *edges], edges, strict=False)]


def split_within(total: int, weights: Sequence[float], limits: Sequence[int]) -> list[int]:
    """Divide ``total`` by weight as :func:`split` does, but give no part more than its limit."""
    parts = [min(part, limit) for part, limit in zip(split(total, weights), limits, strict=True)]
    while missing := total - sum(parts):
        room = [limit - part for part, limit in zip(parts, limits, strict=True)]
        more = split(min(missing, sum(room)), room)
        parts = [part + extra for part, extra in zip(parts, more, strict=True)]
    return parts


def _opens(app: App, day: dt.date) -> int:
    """Return how many opens the breakdowns of a day add up to: not quite as many as its trend shows."""
    opens = visits_on(app, day).session_cnt
    (swing,) = rolls(1, app.appid, day, "opens")
    return opens + int(opens * 0.0015 * swing)


def distribution(app: App, day: dt.date) -> dict[str, dict[int, int]]:
    """Return opens by source, stay time and depth, and people by source; empty buckets are absent.

    Stay times and depths have the means that the day's trend shows.
    """
    visits = visits_on(app, day)
    opens = _opens(app, day)
    count, *order = rolls(1 + len(SOURCES), app.appid, "sources")
    # Every app has sources of its own, but history, search and chat (keys 1 to 3) are rarely far behind.
    keys = sorted(SOURCES, key=lambda key: key + 25 * order[key - 1])[: 12 + int(30 * count)]
    swing = [0.7 + 0.6 * roll for roll in rolls(len(keys), app.appid, day, "distribution")]
    sources = split(opens, [roll * (place + 1) ** -1.6 for place, roll in enumerate(swing)])
    people = [math.ceil(cnt * visits.visit_uv / visits.session_cnt) for cnt in sources]
    stays = split(opens, _steps(names.STAY_TIMES, _stays_longer(visits.seconds / visits.session_cnt)))
    depths = split(opens, _steps(names.DEPTHS, _goes_deeper(visits.steps / visits.session_cnt)))
    return {
        "access_source_session_cnt": _buckets(keys, sources),
        "access_source_visit_uv": _buckets(keys, people),
        "access_staytime_info": _buckets(range(1, 9), stays),
        "access_depth_info": _buckets(range(1, 8), depths),
    }


def _steps(edges: Sequence[float], share_above: Callable[[float], float]) -> list[float]:
    """Return the share of each bucket, the last of which has no upper edge."""
    above = [1.0, *map(share_above, edges), 0.0]
    return [lower - upper for lower, upper in itertools.pairwise(above)]


def _stays_longer(mean: float) -> Callable[[float], float]:
    """Return the share of opens that last longer: a Weibull distribution, as people leave early or stay long."""
    shape = 0.7
    scale = mean / math.gamma(1 + 1 / shape)
    return lambda seconds: math.exp(-((seconds / scale) ** shape))


def _goes_deeper(mean: float) -> Callable[[float], float]:
    """Return the share of opens that see more pages: at each page, the same share of people goes on."""
    return lambda pages: (1 - 1 / mean) ** pages


def _buckets(keys: Sequence[int], values: Sequence[int]) -> dict[int, int]:
    # Stay times and depths come in descending order; sources, whose keys are in the app's own order, nearly do.
    return {key: value for key, value in reversed(list(zip(keys, values, strict=True))) if value}


@lru_cache(maxsize=1 << 10)
def _paths(app: App) -> list[str]:
    first, *others = names.page_paths(app.pages)
    order = rolls(len(others), app.appid, "pages")
    return [first, *(path for _, path in sorted(zip(order, others, strict=True)))]


def pages(app: App, day: dt.date) -> list[Json]:
    """Return the pages with the most views, as WeChat lists them.

    Over all pages, views add up to the day's, and entries to its opens; some exits are never counted.
    """
    whole, opens = visits_on(app, day), _opens(app, day)
    paths = _paths(app)[: whole.visit_pv]
    lively, start, end = (rolls(len(paths), app.appid, day, what) for what in ("pages", "entries", "exits"))
    weights = [(0.75 + 0.5 * roll) / place for place, roll in enumerate(lively, start=1)]
    views = [1 + more for more in split(whole.visit_pv - len(paths), weights)]
    # Most people come in by the first pages; they leave from anywhere.
    ways_in = [pv * (0.3 + roll) * place**-0.3 for place, (pv, roll) in enumerate(zip(views, start, strict=True), 1)]
    ways_out = [pv * (0.5 + roll) for pv, roll in zip(views, end, strict=True)]
    entries, exits = split_within(opens, ways_in, views), split_within(int(0.81 * opens), ways_out, views)
    every = sorted(zip(views, paths, entries, exits, strict=True), key=lambda page: (-page[0], page[1]))
    return [_page(app, day, whole.visit_uv, *page) for page in every[:TOP_PAGES]]


def _page(app: App, day: dt.date, visit_uv: int, views: int, path: str, entries: int, exits: int) -> Json:
    many, stay, share = rolls(3, app.appid, day, path)
    shared = int(views * 0.02 * share)
    return {
        "page_path": path,
        "page_visit_pv": views,
        "page_visit_uv": min(visit_uv, math.ceil(views * (0.3 + 0.5 * many))),
        "page_staytime_pv": tidy(3 + 30 * stay, 6),
        "entrypage_pv": entries,
        "exitpage_pv": exits,
        "page_share_pv": shared,
        "page_share_uv": math.ceil(shared * 0.8),
    }


def portrait(app: App, cohort: str, begin: dt.date, end: dt.date) -> Json:
    """Return who the people of a cohort are, dimension by dimension; WeChat does not know everything about everyone."""
    whole = visits(app, begin, end)
    people = getattr(whole, cohort) if whole else 0
    found: Json = {}
    for dimension, (coverage, entries) in names.PORTRAIT.items():
        swing = rolls(len(entries), app.appid, begin, cohort, dimension)
        weights = [entry.weight * (0.8 + 0.4 * roll) for entry, roll in zip(entries, swing, strict=True)]
        counted = zip(split(int(people * coverage), weights), entries, strict=True)
        found[dimension] = [
            {**({} if entry.id is None else {"id": entry.id}), "name": entry.name, "value": value}
            for value, entry in sorted(counted, key=lambda pair: -pair[0])
            if value
        ]
    return found


def performance(app: App, module: str, filters: tuple[tuple[str, str], ...], day: dt.date) -> list[str]:
    """Return the values of a module's metrics on one day, as numeric strings."""
    usable = [value for field, value in filters if field in names.USABLE_FILTERS[module]]
    found = []
    for metric in names.METRICS[module]:
        (level,) = rolls(1, app.appid, metric.id, module, *usable)
        today, whole = rolls(2, app.appid, metric.id, module, *usable, day)
        value = metric.typical * (0.95 + 0.08 * level + 0.02 * today)
        found.append(str(round(value) if whole < 1 / 8 else tidy(value)))
    return found
