"""The same figures broken down: by source and stay, by page, by who the people are, and the speed of it all."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

from airflow_provider_wxanalysis.catalogue.labels import SOURCES
from airflow_provider_wxanalysis.testing import names
from airflow_provider_wxanalysis.testing.figures import App, rolls, tidy, visits, visits_on

Json = dict[str, Any]

TOP_PAGES = 200


def split(total: int, weights: Sequence[float]) -> list[int]:
    """Divide ``total`` into whole parts by weight; they add up to it exactly."""
    scale = total / sum(weights)
    edges = [round(edge * scale) for edge in accumulate(weights)]
    return [upper - lower for lower, upper in zip([0, *edges], edges, strict=False)]


def distribution(app: App, day: dt.date) -> dict[str, dict[int, int]]:
    """Return opens by source, stay time and depth, and people by source; buckets with nobody are absent."""
    visits = visits_on(app, day)
    count, *order = rolls(1 + len(SOURCES), app.appid, "sources")
    # Every app has sources of its own, but history, search and chat (keys 1 to 3) are rarely far behind.
    keys = sorted(SOURCES, key=lambda key: key + 25 * order[key - 1])[: 12 + int(30 * count)]
    swing = [0.7 + 0.6 * roll for roll in rolls(len(keys) + 16, app.appid, day, "distribution")]
    # WeChat's three sums of opens agree with one another, but not quite with its trend.
    opens = visits.session_cnt + int(visits.session_cnt * 0.002 * (swing[-1] - 0.7))
    sources = split(opens, [roll * (place + 1) ** -1.6 for place, roll in enumerate(swing[: len(keys)])])
    stays = split(opens, [weight * roll for weight, roll in zip(names.STAY_TIMES, swing[-16:-8], strict=True)])
    depths = split(opens, [weight * roll for weight, roll in zip(names.DEPTHS, swing[-8:-1], strict=True)])
    people = [math.ceil(cnt * visits.visit_uv / visits.session_cnt) for cnt in sources]
    return {
        "access_source_session_cnt": _buckets(keys, sources),
        "access_source_visit_uv": _buckets(keys, people),
        "access_staytime_info": _buckets(range(1, 9), stays),
        "access_depth_info": _buckets(range(1, 8), depths),
    }


def _buckets(keys: Sequence[int], values: Sequence[int]) -> dict[int, int]:
    return {key: value for key, value in sorted(zip(keys, values, strict=True), reverse=True) if value}


@lru_cache(maxsize=1 << 10)
def _paths(app: App) -> list[str]:
    first, *others = names.page_paths(app.pages)
    order = rolls(len(others), app.appid, "pages")
    return [first, *(path for _, path in sorted(zip(order, others, strict=True)))]


def pages(app: App, day: dt.date) -> list[Json]:
    """Return the pages with the most views, as WeChat lists them."""
    whole = visits_on(app, day)
    paths = _paths(app)[: whole.visit_pv]
    luck = rolls(6 * len(paths), app.appid, day, "pages")  # one for the views, five for the rest
    weights = [(0.75 + 0.5 * roll) / place for place, roll in enumerate(luck[: len(paths)], start=1)]
    views = [1 + more for more in split(whole.visit_pv - len(paths), weights)]
    top = sorted(zip(views, paths, strict=True), key=lambda page: (-page[0], page[1]))[:TOP_PAGES]
    per_view = whole.session_cnt / whole.visit_pv
    listed = []
    for place, (pv, path) in enumerate(top, start=1):
        many, stay, entry, exit_, share = (luck[-5 * place + n] for n in range(5))
        shared = int(pv * 0.02 * share)
        listed.append(
            {
                "page_path": path,
                "page_visit_pv": pv,
                "page_visit_uv": min(whole.visit_uv, math.ceil(pv * (0.3 + 0.5 * many))),
                "page_staytime_pv": tidy(3 + 30 * stay),
                "entrypage_pv": int(pv * per_view * (0.4 + 0.6 * entry)),
                "exitpage_pv": int(pv * per_view * (0.4 + 0.6 * exit_)),
                "page_share_pv": shared,
                "page_share_uv": math.ceil(shared * 0.8),
            }
        )
    return listed


def portrait(app: App, cohort: str, begin: dt.date, end: dt.date) -> Json:
    """Return who the people of a cohort are, dimension by dimension; WeChat does not know everybody's everything."""
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
