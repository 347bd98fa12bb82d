"""The shapes of WeChat's replies: each function walks one and yields an :data:`Item` per row, types untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from airflow_provider_wxanalysis.catalogue.labels import DISTRIBUTIONS, INDEXES, MODULES, UNLISTED
from airflow_provider_wxanalysis.catalogue.performance import Selection
from airflow_provider_wxanalysis.catalogue.values import Malformed, convert, show

Json = dict[str, Any]

COHORTS = ("visit_uv_new", "visit_uv")
DIMENSIONS = ("province", "city", "genders", "platforms", "devices", "ages")
_ENVELOPE = ("errcode", "errmsg", "ref_date")


#: One row to be, a plain tuple because there are hundreds in a reply:
#:
#: * its period as WeChat wrote it, or ``None`` where the reply says so once for all rows;
#: * columns whose values or names the shape gives;
#: * fields that WeChat sent under the columns' own names, and unknown ones;
#: * unknown fields of what encloses it, level by level, the innermost first.
Item = tuple[Any, Json, Json, tuple[Json, ...]]
#: The selection is what the request fixed, because the reply does not repeat it.
Shape = Callable[[Json, Selection], Iterator[Item]]


def item_list(reply: Json, selection: Selection) -> Iterator[Item]:
    """``{list: [{ref_date, …}]}``: summary and trends."""
    outer = (_unknown(reply, "list"),)
    for item in _objects(reply, "list"):
        yield item.get("ref_date"), {}, _without(item, "ref_date"), outer


def page_list(reply: Json, selection: Selection) -> Iterator[Item]:
    """``{ref_date, list: [{page_path, …}]}``: pages, the most viewed first."""
    outer = (_unknown(reply, "list"),)
    for rank, page in enumerate(_objects(reply, "list"), start=1):
        _require(page, "page_path")
        yield None, {"page_rank": rank}, page, outer


def distributions(reply: Json, selection: Selection) -> Iterator[Item]:
    """``{ref_date, list: [{index, item_list: [{key, value}]}]}``: visits by source, stay time and depth."""
    for group in _objects(reply, "list"):
        index = _require(group, "index")
        known = index if isinstance(index, str) else ""
        labels, (label, label_en) = DISTRIBUTIONS.get(known, {}), INDEXES.get(known, UNLISTED)
        outer = (_without(group, "index", "item_list"), _unknown(reply, "list"))
        for entry in _objects(group, "item_list"):
            key = convert("key", "INT64", _require(entry, "key"))
            item_label, item_label_en = labels.get(key, UNLISTED)
            derived = {
                "distribution": index,
                "distribution_label": label,
                "distribution_label_en": label_en,
                "item_key": key,
                "item_label": item_label,
                "item_label_en": item_label_en,
                "item_value": entry.get("value"),
            }
            yield None, derived, _without(entry, "key", "value"), outer


def cohort_offsets(reply: Json, selection: Selection) -> Iterator[Item]:
    """``{ref_date, visit_uv_new: [{key, value}], visit_uv: […]}``: retention, which grows as time passes."""
    outer = (_unknown(reply, *COHORTS),)
    for cohort in _cohorts(reply):
        # Older reference pages call the field an object, so a lone one is taken for an array of one.
        entries = [reply[cohort]] if isinstance(reply[cohort], dict) else _objects(reply, cohort)
        offsets = [convert("key", "INT64", _require(entry, "key")) for entry in entries]
        size = next((entry.get("value") for offset, entry in zip(offsets, entries, strict=True) if offset == 0), None)
        for offset, entry in zip(offsets, entries, strict=True):
            derived = {
                "cohort": cohort,
                "period_offset": offset,
                "users": entry.get("value"),
                "cohort_users": size,
            }
            yield None, derived, _without(entry, "key", "value"), outer


def portraits(reply: Json, selection: Selection) -> Iterator[Item]:
    """``{ref_date, visit_uv_new: {province: [{id, name, value}], …}, visit_uv: {…}}``: who the visitors are."""
    top = _unknown(reply, *COHORTS)
    for cohort in _cohorts(reply):
        dimensions = reply[cohort]
        if not isinstance(dimensions, dict):
            raise Malformed(f"{cohort} is no object but {show(dimensions)}")
        # A dimension that WeChat adds one day is an array like the others and needs no place in the catalogue.
        outer = (_without(dimensions, *DIMENSIONS, *(n for n, v in dimensions.items() if isinstance(v, list))), top)
        for dimension, value in dimensions.items():
            if not isinstance(value, list) and dimension not in DIMENSIONS:
                continue
            for entry in _objects(dimensions, dimension):
                derived = {
                    "cohort": cohort,
                    "dimension": dimension,
                    "item_id": entry.get("id"),
                    "item_name": _require(entry, "name"),
                    "users": entry.get("value"),
                }
                yield None, derived, _without(entry, "id", "name", "value"), outer


def performance_tables(reply: Json, selection: Selection) -> Iterator[Item]:
    """``{data: {body: {tables: [{id, zh, lines: [{fields: [{refdate, value}]}]}]}}}``: one point per metric and day."""
    label, label_en = MODULES.get(selection.get("module", ""), UNLISTED)
    given = {**selection, "module_label": label, "module_label_en": label_en}
    data = _object(reply, "data")
    body = _object(data, "body")
    top = (_without(body, "tables", "count"), _without(data, "body"), _unknown(reply, "data"))
    for table in _objects(body, "tables"):
        for line in _objects(table, "lines"):
            outer = (_without(line, "fields"), _without(table, "id", "zh", "lines"), *top)
            for point in _objects(line, "fields"):
                derived = {
                    **given,
                    "metric": _require(table, "id"),
                    "metric_name": table.get("zh"),
                    "value": point.get("value"),
                }
                yield _require(point, "refdate"), derived, _without(point, "refdate", "value"), outer


def _cohorts(reply: Json) -> list[str]:
    present = [cohort for cohort in COHORTS if cohort in reply]
    if not present:
        raise Malformed(f"the reply has neither visit_uv_new nor visit_uv, only {show(sorted(reply))}")
    return present


def _object(parent: Json, name: str) -> Json:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise Malformed(f"{name} is no object but {show(value)}")
    return value


def _objects(parent: Json, name: str) -> list[Json]:
    value = parent.get(name)
    if not isinstance(value, list):
        raise Malformed(f"{name} is no array but {show(value)}")
    for number, entry in enumerate(value, start=1):
        if not isinstance(entry, dict):
            raise Malformed(f"entry {number} of {name} is no object but {show(entry)}")
    return value


def _require(entry: Json, name: str) -> Any:
    if entry.get(name) is None:
        raise Malformed(f"an entry lacks {name}: {show(entry)}")
    return entry[name]


def _without(entry: Json, *names: str) -> Json:
    return {name: value for name, value in entry.items() if name not in names}


def _unknown(reply: Json, *names: str) -> Json:
    return _without(reply, *names, *_ENVELOPE)
