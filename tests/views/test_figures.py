"""Every view against figures computed in Python from the same rows; see ``conftest.py`` for what is loaded."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import Any

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import DAY, MONTH, WEEK, Period
from airflow_provider_wxanalysis.views.definitions import NAMES, view
from tests.conftest import APPS
from tests.views.comparing import change, index, ratio, same
from tests.views.conftest import APP_NAMES, HOLES, ONE_DAY, YESTERDAY

WEEK_LONG = dt.timedelta(days=7)


def test_columns_and_descriptions(bq, loaded):
    for name in NAMES:
        table = bq.get_table(f"{loaded}.{name}")
        assert table.description == view(name).description
        assert {field.name: field.description for field in table.schema} == dict(view(name).columns)


def test_day(rows):
    trend = index(rows("daily_visit_trend"), "appid", "begin_date")
    summary = index(rows("daily_summary"), "appid", "begin_date")
    expected = []
    for (appid, day), row in trend.items():
        uv = {n: trend.get((appid, day - n * ONE_DAY), {}).get("visit_uv") for n in range(8)}
        week = [uv[n] for n in range(7)]
        expected.append(
            {
                **{name: row[name] for name in ("appid", "session_cnt", "visit_pv", "visit_uv", "visit_uv_new")},
                **{name: row[name] for name in ("stay_time_uv", "stay_time_session", "visit_depth")},
                **{name: summary[appid, day][name] for name in ("visit_total", "share_pv", "share_uv")},
                "app_name": APP_NAMES[appid],
                "day": day,
                "visit_uv_returning": row["visit_uv"] - row["visit_uv_new"],
                "new_share": ratio(row["visit_uv_new"], row["visit_uv"]),
                "sessions_per_visitor": ratio(row["session_cnt"], row["visit_uv"]),
                "views_per_visitor": ratio(row["visit_pv"], row["visit_uv"]),
                "sharer_share": ratio(summary[appid, day]["share_uv"], row["visit_uv"]),
                "visit_uv_vs_day_before": change(uv[0], uv[1]),
                "visit_uv_vs_week_before": change(uv[0], uv[7]),
                "visit_uv_mean_7d": None if None in week else sum(week) / 7,
            }
        )
    found = rows("report_day")
    same(found, expected, "appid", "day")
    hole = HOLES["daily_visit_trend"]
    after = {row["day"]: row for row in found if row["appid"] == APPS[0]}
    assert after[hole + ONE_DAY]["visit_uv_vs_day_before"] is None
    assert after[hole + ONE_DAY]["visit_uv_mean_7d"] is None
    assert after[hole + WEEK_LONG]["visit_uv_vs_week_before"] is None
    assert after[hole + 7 * ONE_DAY]["visit_uv_mean_7d"] is not None


def test_period(rows):
    expected = []
    for kind, window in (("week", WEEK), ("month", MONTH)):
        trend = index(rows(f"{kind}ly_visit_trend"), "appid", "begin_date")
        for (appid, begin), row in trend.items():
            before = window.earlier(Period(begin, row["end_date"]), 1).begin_date
            previous = trend.get((appid, before), {})
            expected.append(
                {
                    **{name: row[name] for name in ("appid", "begin_date", "end_date", "visit_uv", "visit_pv")},
                    "period": kind,
                    "new_share": ratio(row["visit_uv_new"], row["visit_uv"]),
                    "visit_uv_vs_previous": change(row["visit_uv"], previous.get("visit_uv")),
                    "visit_pv_vs_previous": change(row["visit_pv"], previous.get("visit_pv")),
                }
            )
    same(rows("report_period"), expected, "period", "appid", "begin_date")
    assert any(row["visit_uv_vs_previous"] is None for row in expected)


def retention(rows):
    for kind, table in (("day", "daily_retain"), ("week", "weekly_retain"), ("month", "monthly_retain")):
        everything = rows(table)
        sizes = {(r["appid"], r["begin_date"], r["cohort"]): r["users"] for r in everything if r["period_offset"] == 0}
        for row in everything:
            if row["period_offset"]:
                size = sizes[row["appid"], row["begin_date"], row["cohort"]]
                yield {
                    "period": kind,
                    **{name: row[name] for name in ("appid", "begin_date", "cohort", "period_offset", "users")},
                    "cohort_users": size,
                    "retention": ratio(row["users"], size),
                }


def test_retention(rows):
    same(rows("report_retention"), list(retention(rows)), "period", "appid", "begin_date", "cohort", "period_offset")


def test_unripe_cohorts_do_not_dilute_the_curve(rows):
    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in retention(rows):
        month = row["begin_date"].replace(day=1)
        entry = sums[row["period"], row["appid"], month, row["cohort"], row["period_offset"]]
        entry[0] += 1
        entry[1] += row["users"]
        entry[2] += row["cohort_users"]
    expected = [
        {
            **dict(zip(("period", "appid", "month", "cohort", "period_offset"), key, strict=True)),
            "cohorts": cohorts,
            "users": users,
            "cohort_users": size,
            "retention": ratio(users, size),
        }
        for key, (cohorts, users, size) in sums.items()
    ]
    same(rows("report_retention_curve"), expected, "period", "appid", "month", "cohort", "period_offset")
    counted = {row["period_offset"]: row["cohorts"] for row in expected
               if row["period"] == "day" and row["month"] == YESTERDAY.replace(day=1)}  # fmt: skip
    assert counted.get(14, 0) < counted[1], "in this month some cohorts are too young for a fortnight"


def test_sources(rows):
    cells: dict[Any, dict[str, int]] = defaultdict(dict)
    labels = {}
    for row in rows("visit_distribution"):
        cells[row["appid"], row["begin_date"], row["item_key"]][row["distribution"]] = row["item_value"]
        if row["distribution"] == "access_source_session_cnt":
            labels[row["item_key"]] = row["item_label"], row["item_label_en"]
    opened = "access_source_session_cnt"
    sessions = {key: cell[opened] for key, cell in cells.items() if cell.get(opened) is not None}
    totals: Counter[Any] = Counter()
    for (appid, day, _), n in sessions.items():
        totals[appid, day] += n
    expected = [
        {
            "appid": appid,
            "day": day,
            "source_key": key,
            "source_label": labels[key][0] or f"未登记 {key}",
            "source_label_en": labels[key][1] or f"unlisted {key}",
            "sessions": n,
            "visitors": cells[appid, day, key].get("access_source_visit_uv"),
            "sessions_share": ratio(n, totals[appid, day]),
            "sessions_per_visitor": ratio(n, cells[appid, day, key].get("access_source_visit_uv")),
            "sessions_vs_week_before": change(n, sessions.get((appid, day - WEEK_LONG, key))),
        }
        for (appid, day, key), n in sessions.items()
    ]
    found = rows("report_sources")
    same(found, expected, "appid", "day", "source_key")
    after = [row for row in found if row["day"] == HOLES["visit_distribution"] + WEEK_LONG]
    assert after
    assert all(row["sessions_vs_week_before"] is None for row in after)


def test_stay_and_depth(rows):
    kinds = ("access_staytime_info", "access_depth_info")
    buckets = [row for row in rows("visit_distribution") if row["distribution"] in kinds]
    groups: dict[Any, dict[int, int]] = defaultdict(dict)
    for row in buckets:
        groups[row["appid"], row["begin_date"], row["distribution"]][row["item_key"]] = row["item_value"]
    expected = [
        {
            "appid": appid,
            "day": day,
            "distribution": kind,
            "bucket": key,
            "sessions": n,
            "sessions_share": ratio(n, sum(group.values())),
            "sessions_share_up_to": ratio(sum(v for k, v in group.items() if k <= key), sum(group.values())),
        }
        for (appid, day, kind), group in groups.items()
        for key, n in group.items()
    ]
    same(rows("report_stay_depth"), expected, "appid", "day", "distribution", "bucket")


def test_pages(rows):
    trend = index(rows("daily_visit_trend"), "appid", "begin_date")
    listed = Counter((row["appid"], row["begin_date"]) for row in rows("visit_page"))
    expected = []
    for row in rows("visit_page"):
        day = trend.get((row["appid"], row["begin_date"]), {})
        expected.append(
            {
                **{name: row[name] for name in ("appid", "page_rank", "page_path", "page_visit_pv", "entrypage_pv")},
                "day": row["begin_date"],
                "views_share": ratio(row["page_visit_pv"], day.get("visit_pv")),
                "entry_share": ratio(row["entrypage_pv"], day.get("session_cnt")),
                "entry_rate": ratio(row["entrypage_pv"], row["page_visit_pv"]),
                "exit_rate": ratio(row["exitpage_pv"], row["page_visit_pv"]),
                "sharer_share": ratio(row["page_share_uv"], row["page_visit_uv"]),
                "seconds_spent": row["page_visit_pv"] * row["page_staytime_pv"],
                "list_is_truncated": listed[row["appid"], row["begin_date"]] >= 200,
            }
        )
    found = rows("report_pages")
    same(found, expected, "appid", "day", "page_path")
    assert all(row["views_share"] is None for row in found if row["day"] == HOLES["daily_visit_trend"])


def test_portrait(rows):
    people: dict[Any, dict[str, int]] = defaultdict(dict)
    sums: Counter[Any] = Counter()
    tables = {1: "user_portrait", 7: "user_portrait_7d", 30: "user_portrait_30d"}
    for days, table in tables.items():
        for row in rows(table):
            place = days, row["appid"], row["end_date"], row["dimension"]
            people[(*place, row["item_name"])][row["cohort"]] = row["users"]
            sums[(*place, row["cohort"])] += row["users"]
    expected = []
    for (*place, item), users in people.items():
        shares = {c: ratio(users.get(c), sums[(*place, c)]) for c in ("visit_uv", "visit_uv_new")}
        expected.append(
            {
                **dict(zip(("window_days", "appid", "end_date", "dimension"), place, strict=True)),
                "item_name": item,
                "visitors": users.get("visit_uv"),
                "new_visitors": users.get("visit_uv_new"),
                "visitors_share": shares["visit_uv"],
                "new_visitors_share": shares["visit_uv_new"],
                "new_visitors_index": None
                if (index_ := ratio(shares["visit_uv_new"], shares["visit_uv"])) is None
                else 100 * index_,
            }
        )
    same(rows("report_portrait"), expected, "window_days", "appid", "end_date", "dimension", "item_name")


def test_performance(rows):
    keys = ("appid", "module", "network_type", "device_level", "device", "metric")
    values = {(row["begin_date"], *(row[key] for key in keys)): row["value"] for row in rows("performance_data")}
    expected = [
        {
            "day": day,
            **dict(zip(keys, key, strict=True)),
            "value": value,
            "value_week_before": values.get((day - WEEK_LONG, *key)),
            "value_vs_week_before": change(value, values.get((day - WEEK_LONG, *key))),
        }
        for (day, *key), value in values.items()
    ]
    found = rows("report_performance")
    same(found, expected, "day", *keys)
    assert all(r["value_vs_week_before"] is None for r in found if r["day"] == HOLES["performance_data"] + WEEK_LONG)


def test_quality_finds_clean_data_clean(rows):
    found = rows("report_quality")
    assert len({row["rule"] for row in found}) == 13
    trend = index(rows("daily_visit_trend"), "appid", "begin_date")
    for row in found:
        assert row["difference"] == row["found"] - row["expected"]
        if row["rule"] == "openings by distribution = openings":
            assert row["expected"] == trend[row["appid"], row["begin_date"]]["session_cnt"]
        if row["rule"].startswith("week: "):  # only of weeks with all their days
            hole = HOLES["daily_visit_trend"]
            assert not row["begin_date"] <= hole <= row["begin_date"] + 6 * ONE_DAY
    suspicious = Counter(row["rule"] for row in found if row["suspicious"])
    assert not suspicious


def test_coverage(rows):
    found = index(rows("report_coverage"), "appid", "endpoint", "begin_date", "end_date")
    since = min(row["begin_date"] for row in rows("monthly_visit_trend"))
    for endpoint in ENDPOINTS.values():
        held = Counter((row["appid"], row["begin_date"], row["end_date"]) for row in rows(endpoint.name))
        days = range(since.toordinal(), YESTERDAY.toordinal() + 1)
        ending = [endpoint.window.ending(dt.date.fromordinal(day)) for day in days]
        rolls = endpoint.window not in (DAY, WEEK, MONTH)
        periods = [period for period in ending if period and (rolls or period.begin_date >= since)]
        for appid in APPS:
            own = {key[2:]: row for key, row in found.items() if key[:2] == (appid, endpoint.name)}
            assert set(own) == {(period.begin_date, period.end_date) for period in periods}
            for period in periods:
                count = held[appid, period.begin_date, period.end_date]
                grows = endpoint.refresh_offsets and endpoint.window.later(period, endpoint.refresh_offsets[-1])
                if count:
                    state = "maturing" if grows and grows.end_date > YESTERDAY else "loaded"
                elif endpoint.reach_days and period.end_date < YESTERDAY - ONE_DAY:
                    state = "lost"
                else:
                    state = "missing"
                row = own[period.begin_date, period.end_date]
                assert (row["state"], row["row_count"]) == (state, count), (endpoint.name, period)
