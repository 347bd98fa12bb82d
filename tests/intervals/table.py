"""What each kind of schedule loads, written by hand. Real runs are compared with it, and the docs print it.

Around the turn of February 2026 all edges lie within three days: February ends on a Saturday, the week on Sunday,
1 March. Times are Asia/Shanghai.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple


def days(first: str, last: str) -> str:
    """All days from the first to the last, as runs name them."""
    span = range(dt.date.fromisoformat(first).toordinal(), dt.date.fromisoformat(last).toordinal() + 1)
    return " ".join(dt.date.fromordinal(day).isoformat() for day in span)


WEEK_1, WEEK_2 = "2025-12-29/2026-01-04", "2026-01-05/2026-01-11"
WEEK_3, WEEK_4 = "2026-01-12/2026-01-18", "2026-01-19/2026-01-25"
WEEK_5, WEEK_6 = "2026-01-26/2026-02-01", "2026-02-02/2026-02-08"
WEEK_7, WEEK_8 = "2026-02-09/2026-02-15", "2026-02-16/2026-02-22"
WEEK_9, WEEK_10 = "2026-02-23/2026-03-01", "2026-03-02/2026-03-08"
WEEKS_OF_JANUARY = f"{WEEK_1} {WEEK_2} {WEEK_3} {WEEK_4}"
WEEKS_OF_FEBRUARY = f"{WEEK_5} {WEEK_6} {WEEK_7} {WEEK_8}"
JANUARY, FEBRUARY, MARCH = "2026-01-01/2026-01-31", "2026-02-01/2026-02-28", "2026-03-01/2026-03-31"
NONE_DUE = ""


class Loaded(NamedTuple):
    """What a run loads of a daily, a weekly and a monthly endpoint.

    :param day: periods of the daily endpoint; :data:`NONE_DUE` if the task skips, ``None`` if the run has no tasks.
    """

    day: str | None
    week: str | None
    month: str | None


class Run(NamedTuple):
    """What a run loads that is due at a certain time, Airflow's ``run_after``."""

    due: str
    day: str | None
    week: str | None
    month: str | None


@dataclass(frozen=True)
class Schedule:
    """A schedule and what its runs load.

    :param dag_id: name of the DAG that has it.
    :param timetable: the DAG's ``schedule``, as Python.
    :param start: the DAG's ``start_date``.
    :param runs: what each run between start and end loads, by hand.
    :param loses: for the docs: what is not loaded.
    :param loses_zh: the same in Chinese.
    :param end: the DAG's ``end_date``.
    :param catchup: whether the scheduler makes all runs between start and end.
    :param cron_data_intervals: ``[scheduler] create_cron_data_intervals``.
    """

    dag_id: str
    timetable: str
    start: str = "2026-01-01"
    runs: tuple[Run, ...] = ()
    loses: str = "nothing"
    loses_zh: str = "无"
    end: str | None = "2026-03-03"
    catchup: bool = True
    cron_data_intervals: bool = False


def daily(hour: str) -> tuple[Run, ...]:
    """The runs of a daily schedule with intervals of a day."""
    return (
        Run(f"2026-03-01 {hour}", "2026-02-28", NONE_DUE, FEBRUARY),
        Run(f"2026-03-02 {hour}", "2026-03-01", WEEK_9, NONE_DUE),
    )


LATEST_AT_1030 = (
    Run("2026-03-01 10:30", "2026-02-28", WEEK_8, FEBRUARY),
    Run("2026-03-02 10:30", "2026-03-01", WEEK_9, FEBRUARY),
)
NO_TASKS = (None, None, None)

SCHEDULES = (
    Schedule(
        "interval_daily",
        'CronDataIntervalTimetable("30 10 * * *", timezone="Asia/Shanghai")',
        "2026-02-28",
        daily("10:30"),
        end="2026-03-02",
    ),
    Schedule(
        "interval_daily_utc",
        'CronDataIntervalTimetable("@daily", timezone="UTC")',
        "2026-02-28",
        daily("08:00"),
        end="2026-03-02",
    ),
    Schedule(
        "interval_weekly",
        'CronDataIntervalTimetable("0 9 * * 1", timezone="Asia/Shanghai")',
        "2026-02-23",
        (
            Run("2026-03-02 09:00", days("2026-02-23", "2026-03-01"), WEEK_9, FEBRUARY),
            Run("2026-03-09 09:00", days("2026-03-02", "2026-03-08"), WEEK_10, NONE_DUE),
        ),
    ),
    Schedule(
        "delta_daily",
        "DeltaDataIntervalTimetable(timedelta(days=1))",
        "2026-02-28 10:30",
        daily("10:30"),
        end="2026-03-02",
    ),
    Schedule(
        "cron_string_with_intervals",
        '"30 10 * * *"',
        "2026-02-28",
        daily("10:30"),
        end="2026-03-02",
        cron_data_intervals=True,
    ),
    Schedule(
        "trigger_with_interval",
        'CronTriggerTimetable("30 10 * * *", timezone="Asia/Shanghai", interval=timedelta(days=1))',
        "2026-02-28",
        (
            Run("2026-02-28 10:30", *NO_TASKS),
            Run("2026-03-01 10:30", "2026-02-28", NONE_DUE, FEBRUARY),
            Run("2026-03-02 10:30", "2026-03-01", WEEK_9, NONE_DUE),
        ),
        "the first run: its interval begins before `start_date`, so Airflow gives it no tasks",
        "第一次运行：区间早于 `start_date`，Airflow 不给它建任务",
    ),
    Schedule(
        "trigger_with_months",
        'CronTriggerTimetable("0 9 1 * *", timezone="Asia/Shanghai", interval=relativedelta(months=1))',
        "2026-01-01",
        (
            Run("2026-01-01 09:00", *NO_TASKS),
            Run("2026-02-01 09:00", days("2026-01-01", "2026-01-31"), WEEKS_OF_JANUARY, JANUARY),
            Run("2026-03-01 09:00", days("2026-02-01", "2026-02-28"), WEEKS_OF_FEBRUARY, FEBRUARY),
        ),
        "the first run, as above",
        "第一次运行，原因同上",
    ),
    Schedule(
        "trigger_with_months_at_midnight",
        'CronTriggerTimetable("0 0 1 * *", timezone="Asia/Shanghai", interval=relativedelta(months=1))',
        "2026-01-01",
        (
            Run("2026-01-01 00:00", *NO_TASKS),
            Run("2026-02-01 00:00", days("2026-01-01", "2026-01-31"), WEEKS_OF_JANUARY, JANUARY),
            # Airflow takes the month off in UTC: 28 February 16:00 less a month is 28 January 16:00.
            Run("2026-03-01 00:00", days("2026-01-29", "2026-02-28"), WEEKS_OF_FEBRUARY, f"{JANUARY} {FEBRUARY}"),
        ),
        "the first run; and Airflow subtracts the month in UTC, so before 8:00 some days are loaded twice",
        "第一次运行；另外 Airflow 按 UTC 减一个月，所以 8:00 之前触发会有几天加载两次",
    ),
    Schedule(
        "cron_string",
        '"30 10 * * *"',
        "2026-03-01",
        LATEST_AT_1030,
        "a tick loads one period, however many have ended since the tick before",
        "每次触发只加载一个周期，不管上次触发以来结束了多少个",
    ),
    Schedule(
        "trigger_daily",
        'CronTriggerTimetable("30 10 * * *", timezone="Asia/Shanghai")',
        "2026-03-01",
        LATEST_AT_1030,
        "the same; with daily ticks, nothing",
        "同上；每天触发则不漏",
    ),
    Schedule(
        "trigger_weekly",
        'CronTriggerTimetable("0 9 * * 1", timezone="Asia/Shanghai")',
        "2026-02-23",
        (
            Run("2026-02-23 09:00", "2026-02-22", WEEK_8, JANUARY),
            Run("2026-03-02 09:00", "2026-03-01", WEEK_9, FEBRUARY),
        ),
        "the same: six days of seven",
        "同上：七天漏六天",
    ),
    Schedule(
        "trigger_multiple",
        'MultipleCronTriggerTimetable("0 9 * * 1", "0 9 1 * *", timezone="Asia/Shanghai")',
        "2026-02-23",
        (
            Run("2026-02-23 09:00", "2026-02-22", WEEK_8, JANUARY),
            Run("2026-03-01 09:00", "2026-02-28", WEEK_8, FEBRUARY),
            Run("2026-03-02 09:00", "2026-03-01", WEEK_9, FEBRUARY),
        ),
        "the same: all days but Sundays and the last of a month",
        "同上：只剩周日和月末",
    ),
    Schedule(
        "partition_daily",
        'CronPartitionTimetable("0 0 * * *", timezone="Asia/Shanghai", run_offset=-1)',
        "2026-03-01",
        (
            Run("2026-03-01 00:00", "2026-02-28", WEEK_9, FEBRUARY),
            Run("2026-03-02 00:00", "2026-03-01", WEEK_9, MARCH),
        ),
        "weeks and months load on their last day alone; until then they skip",
        "周和月只在最后一天加载，之前跳过",
        end="2026-03-02",
    ),
)

#: What a run without any date loads: whatever has ended when it is triggered.
LATEST = None

UNSCHEDULED = (
    Schedule("by_hand", "None", catchup=False, end=None),
    Schedule("by_asset", 'Asset("weanalysis_intervals")', catchup=False, end=None),
    # Without catchup the scheduler makes one run, for the latest tick.
    Schedule("no_catchup", SCHEDULES[0].timetable, catchup=False, end=None),
    Schedule(
        "partition_of_today", 'CronPartitionTimetable("0 0 * * *", timezone="Asia/Shanghai")', catchup=False, end=None
    ),
)

#: Triggered by hand: the DAG, what the REST API is told, what the run loads.
TRIGGERED: tuple[tuple[str, dict[str, str], Loaded | None], ...] = (
    ("by_hand", {}, LATEST),
    ("by_hand", {"logical_date": "2026-03-02T09:00:00+08:00"}, Loaded("2026-03-01", WEEK_9, FEBRUARY)),
    ("no_catchup", {}, LATEST),
    # the last whole interval before it: 1 March 10:30 to 2 March 10:30
    ("no_catchup", {"logical_date": "2026-03-02T12:00:00+08:00"}, Loaded("2026-03-01", WEEK_9, NONE_DUE)),
    (
        "no_catchup",
        {
            "logical_date": "2026-03-02T13:00:00+08:00",
            "data_interval_start": "2026-02-27T00:00:00+08:00",
            "data_interval_end": "2026-03-02T00:00:00+08:00",
        },
        Loaded(days("2026-02-27", "2026-03-01"), WEEK_9, FEBRUARY),
    ),
    ("partition_of_today", {}, LATEST),
    ("partition_of_today", {"partition_key": "2026-03-02T00:00:00"}, Loaded("2026-03-02", WEEK_10, MARCH)),
)


class Backfill(NamedTuple):
    """A backfill: the DAG's schedule, ``--from-date``, ``--to-date``, and what the runs load."""

    schedule: Schedule
    from_date: str
    to_date: str
    runs: tuple[Run, ...]


BACKFILLS = (
    Backfill(
        Schedule("backfill_interval", SCHEDULES[0].timetable, catchup=False, end="2026-03-31"),
        "2026-02-28T00:00+08:00",
        "2026-03-02T00:00+08:00",
        (
            Run("2026-03-01 10:30", "2026-02-28", NONE_DUE, FEBRUARY),
            Run("2026-03-02 10:30", "2026-03-01", WEEK_9, NONE_DUE),
        ),
    ),
    Backfill(
        Schedule("backfill_trigger", "'30 10 * * *'", catchup=False, end="2026-03-31"),
        "2026-02-28T00:00+08:00",
        "2026-03-02T00:00+08:00",
        (
            Run("2026-02-28 10:30", "2026-02-27", WEEK_8, JANUARY),
            Run("2026-03-01 10:30", "2026-02-28", WEEK_8, FEBRUARY),
        ),
    ),
    Backfill(
        Schedule("backfill_partition", SCHEDULES[-1].timetable, catchup=False, end="2026-03-31"),
        "2026-02-28T00:00+08:00",
        "2026-03-01T00:00+08:00",
        (
            Run("2026-02-28 00:00", "2026-02-28", WEEK_9, FEBRUARY),
            Run("2026-03-01 00:00", "2026-03-01", WEEK_9, MARCH),
        ),
    ),
)
