"""The catalogue, row by row, as the contract and WeChat's reference have it."""

from __future__ import annotations

import datetime as dt
import pickle
import re
from typing import Any

import pytest

from airflow_provider_wxanalysis.catalogue.columns import Column
from airflow_provider_wxanalysis.endpoints import DOCS, ENDPOINTS, Endpoint, resolve
from airflow_provider_wxanalysis.periods import DAY, LAST_7_DAYS, LAST_30_DAYS, MONTH, WEEK, Period, Window
from tests.support import samples

SUMMARY = "visit_total:INT64 share_pv:INT64 share_uv:INT64"
TREND = (
    "session_cnt:INT64 visit_pv:INT64 visit_uv:INT64 visit_uv_new:INT64 "
    "stay_time_uv:FLOAT64 stay_time_session:FLOAT64 visit_depth:FLOAT64"
)
DISTRIBUTION = (
    "*distribution:STRING distribution_label:STRING distribution_label_en:STRING "
    "*item_key:INT64 item_label:STRING item_label_en:STRING item_value:INT64"
)
RETENTION = "*cohort:STRING *period_offset:INT64 users:INT64 cohort_users:INT64"
PAGE = (
    "page_rank:INT64 *page_path:STRING page_visit_pv:INT64 page_visit_uv:INT64 page_staytime_pv:FLOAT64 "
    "entrypage_pv:INT64 exitpage_pv:INT64 page_share_pv:INT64 page_share_uv:INT64"
)
PORTRAIT = "*cohort:STRING *dimension:STRING *item_id:INT64 *item_name:STRING users:INT64"
PERFORMANCE = (
    "*module:STRING module_label:STRING module_label_en:STRING "
    "*network_type:STRING *device_level:STRING *device:STRING *metric:STRING "
    "metric_name:STRING value:FLOAT64"
)
LEADING = "appid:STRING! begin_date:DATE! end_date:DATE! ref_date:STRING"
TRAILING = "_extra:JSON _loaded_at:TIMESTAMP! _load_id:STRING! _run_id:STRING _dag_id:STRING _task_id:STRING"

#: name: (path after /datacube/getweanalysisappid, window, columns (* key, ! required), refresh offsets, reach)
CATALOGUE: dict[str, tuple[str, Window, str, tuple[int, ...], int | None]] = {
    "daily_summary": ("dailysummarytrend", DAY, SUMMARY, (), None),
    "daily_visit_trend": ("dailyvisittrend", DAY, TREND, (), None),
    "weekly_visit_trend": ("weeklyvisittrend", WEEK, TREND, (), None),
    "monthly_visit_trend": ("monthlyvisittrend", MONTH, TREND, (), None),
    "visit_distribution": ("visitdistribution", DAY, DISTRIBUTION, (), None),
    "daily_retain": ("dailyretaininfo", DAY, RETENTION, (1, 2, 3, 4, 5, 6, 7, 14, 30), None),
    "weekly_retain": ("weeklyretaininfo", WEEK, RETENTION, (1, 2, 3, 4), None),
    "monthly_retain": ("monthlyretaininfo", MONTH, RETENTION, (1,), None),
    "visit_page": ("visitpage", DAY, PAGE, (), None),
    "user_portrait": ("userportrait", DAY, PORTRAIT, (), 2),
    "user_portrait_7d": ("userportrait", LAST_7_DAYS, PORTRAIT, (), 2),
    "user_portrait_30d": ("userportrait", LAST_30_DAYS, PORTRAIT, (), 2),
    "performance_data": ("/wxa/business/performance/boot", DAY, PERFORMANCE, (), None),
}
PERFORMANCE_DATA = ENDPOINTS["performance_data"]


def spelled(columns: Any) -> str:
    marks = {"REQUIRED": "!", "NULLABLE": ""}
    return " ".join(f"{'*' * column.key}{column.name}:{column.type}{marks[column.mode]}" for column in columns)


def test_thirteen_endpoints_on_eleven_paths() -> None:
    assert list(ENDPOINTS) == list(CATALOGUE)
    assert (len(CATALOGUE), len({entry.path for entry in ENDPOINTS.values()})) == (13, 11)
    with pytest.raises(TypeError):
        ENDPOINTS["daily_summary"] = PERFORMANCE_DATA  # type: ignore[index]


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue(name: str) -> None:
    path, window, columns, refresh_offsets, reach_days = CATALOGUE[name]
    entry = ENDPOINTS[name]
    assert entry.name == name
    assert entry.path == (path if path.startswith("/") else f"/datacube/getweanalysisappid{path}")
    assert entry.window is window
    assert spelled(entry.columns) == columns
    assert spelled(entry.table_columns) == f"{LEADING} {columns} {TRAILING}"
    assert (entry.refresh_offsets, entry.reach_days) == (refresh_offsets, reach_days)
    assert entry.row_limit == (200 if name == "visit_page" else None)


@pytest.mark.parametrize("entry", ENDPOINTS.values(), ids=list(ENDPOINTS))
def test_every_table_describes_itself(entry: Endpoint) -> None:
    names = [column.name for column in entry.table_columns]
    assert len(set(names)) == len(names)
    texts: list[Endpoint | Column] = [entry, *entry.table_columns]
    for text in texts:
        assert re.search(r"[\u4e00-\u9fff]", text.zh), text
        assert re.search(r"[A-Za-z]{3}", text.en), text
        assert text.en.isascii()
        assert text.zh in text.description
        assert text.en in text.description
        assert len(text.description) <= 1024  # BigQuery's limit for a column
    assert entry.docs in entry.description


def test_every_path_has_its_own_reference_page() -> None:
    pages = {(entry.path, entry.docs, entry.api_name) for entry in ENDPOINTS.values()}
    assert len(pages) == len({docs for _, docs, _ in pages}) == 11
    for _, docs, api_name in pages:
        assert docs.startswith("https://")
        assert docs.startswith(DOCS)
        assert docs.endswith(f"/api_{api_name.lower()}.html")


def test_an_entry_can_be_pickled() -> None:
    for entry in ENDPOINTS.values():
        twin = pickle.loads(pickle.dumps(entry))
        assert twin == entry
        period = entry.window.latest(dt.date(2024, 2, 29))
        assert (twin.requests(period), twin.ref_dates(period)) == (entry.requests(period), entry.ref_dates(period))


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "begin", "end", "ref_dates"),
    [
        ("daily_summary", "20170313", "20170313", {"20170313"}),
        ("daily_visit_trend", "20170313", "20170313", {"20170313"}),
        ("weekly_visit_trend", "20170306", "20170312", {"20170306-20170312"}),
        ("monthly_visit_trend", "20170301", "20170331", {"201703"}),
        ("visit_distribution", "20170313", "20170313", {"20170313"}),
        ("daily_retain", "20170313", "20170313", {"20170313"}),
        ("weekly_retain", "20170306", "20170312", {"20170306-20170312"}),
        ("monthly_retain", "20170201", "20170228", {"201702"}),
        ("visit_page", "20170313", "20170313", {"20170313"}),
        ("user_portrait", "20170611", "20170611", {"20170611", "20170611-20170611"}),
        ("user_portrait_7d", "20170611", "20170617", {"20170611-20170617", "20170611", "20170617"}),
        ("user_portrait_30d", "20170519", "20170617", {"20170519-20170617", "20170519", "20170617"}),
    ],
)
def test_requests(name: str, begin: str, end: str, ref_dates: set[str]) -> None:
    period = Period(dt.date.fromisoformat(begin), dt.date.fromisoformat(end))
    assert ENDPOINTS[name].window.ending(period.end_date) == period
    assert ENDPOINTS[name].requests(period) == [({"begin_date": begin, "end_date": end}, {})]
    assert ENDPOINTS[name].ref_dates(period) == ref_dates


def test_requests_are_those_of_the_reference() -> None:
    """Word for word, except performance_data's end: the reference's is the next midnight, which adds that day."""
    published = samples.published("requests")
    published["user_portrait_7d"] = published.pop("user_portrait")
    published["performance_data"]["time"]["end_timestamp"] -= 1
    chosen = {"modules": ["10022"], "network_types": ["wifi"], "device_levels": ["1"], "devices": ["1"]}
    for name in published.keys() & ENDPOINTS.keys():
        body = published[name]
        last_day = dt.datetime.strptime(body.get("end_date", "20210103"), "%Y%m%d").date()  # noqa: DTZ007
        entry = resolve(name, chosen if name == "performance_data" else None)
        period = entry.window.ending(last_day)
        assert period is not None
        assert [request.body for request in entry.requests(period)] == [body], name
    assert len(published.keys() & ENDPOINTS.keys()) == 11


def test_performance_requests() -> None:
    day = DAY.latest(dt.date(2021, 1, 3))
    chosen = {"modules": ["10022"], "network_types": ["wifi"], "device_levels": ["1"], "devices": ["1"]}
    (request,) = resolve("performance_data", chosen).requests(day)
    assert request.body == {
        # The sample ends at the midnight after; ends count by their day, so a period ends with its last second.
        "time": {"begin_timestamp": 1609603200, "end_timestamp": 1609689600 - 1},
        "module": "10022",
        "params": [
            {"field": "networktype", "value": "wifi"},
            {"field": "device_level", "value": "1"},
            {"field": "device", "value": "1"},
        ],
    }
    assert request.selection == {"module": "10022", "network_type": "wifi", "device_level": "1", "device": "1"}
    requests = PERFORMANCE_DATA.requests(day)
    assert [request.body["module"] for request in requests] == ["10016", "10017", "10021", "10022", "10023"]
    assert {param["value"] for request in requests for param in request.body["params"]} == {"-1"}
    assert PERFORMANCE_DATA.ref_dates(day) == {"20210103"}


CLOCK = dt.timezone(dt.timedelta(hours=8))


def at(month: int, day: int, hour: int) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, tzinfo=CLOCK)


@pytest.mark.parametrize(
    ("name", "first", "last", "loaded_at", "now", "grown"),
    [
        ("daily_retain", (3, 1), (3, 1), at(3, 2, 11), at(3, 2, 23), False),  # nothing has closed since
        ("daily_retain", (3, 1), (3, 1), at(3, 2, 11), at(3, 3, 0), True),  # the day after has
        ("daily_retain", (3, 1), (3, 1), at(3, 3, 14), at(3, 3, 23), True),  # WeChat may have published later
        ("daily_retain", (3, 1), (3, 1), at(3, 3, 15), at(3, 3, 23), False),
        ("daily_retain", (3, 1), (3, 1), at(3, 9, 15), at(3, 15, 23), False),  # between the 7th and the 14th day
        ("daily_retain", (3, 1), (3, 1), at(3, 9, 15), at(3, 16, 0), True),
        ("daily_retain", (3, 1), (3, 1), at(4, 1, 15), at(12, 1, 0), False),  # ripe
        ("weekly_retain", (3, 2), (3, 8), at(3, 9, 11), at(3, 15, 23), False),
        ("weekly_retain", (3, 2), (3, 8), at(3, 9, 11), at(3, 16, 0), True),
        ("weekly_retain", (3, 2), (3, 8), at(4, 6, 15), at(12, 1, 0), False),
        ("monthly_retain", (1, 1), (1, 31), at(2, 28, 23), at(3, 1, 0), True),
        ("visit_page", (3, 1), (3, 1), at(3, 2, 1), at(12, 1, 0), False),  # never grows
    ],
)
def test_what_can_have_grown(
    name: str,
    first: tuple[int, int],
    last: tuple[int, int],
    loaded_at: dt.datetime,
    now: dt.datetime,
    grown: bool,
) -> None:
    period = Period(dt.date(2026, *first), dt.date(2026, *last))
    assert bool(ENDPOINTS[name].grown_since(period, loaded_at, now, dt.timedelta(hours=15))) is grown
