"""The shapes of WeChat's replies: each function walks one and yields an :data:`Item` per row, types untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_provider_wxanalysis.catalogue.labels import DISTRIBUTIONS, INDEXES, MODULES, UNLISTED
from airflow_provider_wxanalysis.catalogue.performance import Selection
from airflow_provider_wxanalysis.catalogue.values import Malformed, convert, show

Json = dict[str, Any]

COHORTS = ("visit_uv_new", "visit_uv")
DIMENSIONS = ("province", "city", "genders", "platforms", "devices", "ages")
_ENVELOPE = ("errcode", "errmsg", "ref_date")


#: One row in the making, a plain tuple because a reply has hundreds:
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
        _require(page, "page_path", "list")
        yield None, {"page_rank": rank}, page, outer


def distributions(reply: Json, selection: Selection) -> Iterator[Item]:
    """``{ref_date, list: [{index, item_list: [{key, value}]}]}``: visits by source, stay time and depth."""
    groups, foreign = [], []
    for group in _objects(reply, "list"):
        index = _text(group, "index", "list")
        if index in INDEXES or _has_keys(group):
            groups.append((index, group))
        else:
            foreign.append({index: group})
    top = (_unknown(reply, "list"), *foreign)
    for index, group in groups:
        labels, (label, label_en) = DISTRIBUTIONS.get(index, {}), INDEXES.get(index, UNLISTED)
        outer = (_without(group, "index", "item_list"), *top)
        for entry in _objects(group, "item_list", f"item_list of {index}"):
            key = convert(f"key of {index}", "INT64", _require(entry, "key", index))
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
    for cohort in COHORTS:
        # Older reference pages call the field an object, so a lone one is taken for an array of one.
        entries = [reply[cohort]] if isinstance(reply.get(cohort), dict) else _objects(reply, cohort)
        offsets = [convert(f"key of {cohort}", "INT64", _require(entry, "key", cohort)) for entry in entries]
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
    present = [cohort for cohort in COHORTS if cohort in reply]
    if not present:
        raise Malformed(f"the reply has neither visit_uv_new nor visit_uv, only {show(sorted(reply))}")
    for cohort in present:
        dimensions = _object(reply, cohort)
        known = [name for name in DIMENSIONS if name in dimensions]
        # A dimension that WeChat adds later needs no entry in the catalogue if it looks like the others.
        new = [name for name, value in dimensions.items() if name not in DIMENSIONS and _is_dimension(value)]
        outer = (_without(dimensions, *known, *new), _unknown(reply, *COHORTS))
        for dimension in (*known, *new):
            where = f"{cohort}.{dimension}"
            for entry in _objects(dimensions, dimension, where):
                derived = {
                    "cohort": cohort,
                    "dimension": dimension,
                    "item_id": entry.get("id"),
                    "item_name": _require(entry, "name", where),
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
                    "metric": _require(table, "id", "tables"),
                    "metric_name": table.get("zh"),
                    "value": point.get("value"),
                }
                yield _require(point, "refdate", "fields"), derived, _without(point, "refdate", "value"), outer


def _object(parent: Json, name: str) -> Json:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise Malformed(f"{name} must be an object, got {show(value)}")
    return value


def _objects(parent: Json, name: str, shown: str = "") -> list[Json]:
    value = parent.get(name)
    if not isinstance(value, list):
        raise Malformed(f"{shown or name} must be an array, got {show(value)}")
    for number, entry in enumerate(value, start=1):
        if not isinstance(entry, dict):
            raise Malformed(f"entry {number} of {shown or name} must be an object, got {show(entry)}")
    return value


def _require(entry: Json, name: str, parent: str) -> Any:
    if entry.get(name) is None:
        raise Malformed(f"an entry of {parent} lacks {name}: {show(entry)}")
    return entry[name]


def _text(entry: Json, name: str, parent: str) -> str:
    text: str = convert(name, "STRING", _require(entry, name, parent))
    return text


def _has_keys(group: Json) -> bool:
    """Whether a distribution that is not in the catalogue looks like the others."""
    return _fits(group.get("item_list"), "key", {"key": "INT64", "value": "INT64"})


def _is_dimension(value: Any) -> bool:
    """Whether a part of a portrait that is not in the catalogue looks like the others."""
    return _fits(value, "name", {"id": "INT64", "name": "STRING", "value": "INT64"})


def _fits(entries: Any, required: str, types: Mapping[str, str]) -> bool:
    try:
        for entry in _objects({"entries": entries}, "entries"):
            _require(entry, required, "entries")
            for name, column_type in types.items():
                convert(name, column_type, entry.get(name))
    except Malformed:
        return False
    return True


def _without(entry: Json, *names: str) -> Json:
    return {name: value for name, value in entry.items() if name not in names}


def _unknown(reply: Json, *names: str) -> Json:
    return _without(reply, *names, *_ENVELOPE)
