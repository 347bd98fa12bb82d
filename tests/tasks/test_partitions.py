"""The keys of partitions: what Airflow's timetables and mappers write, read as a whole or refused."""

from __future__ import annotations

import datetime as dt

import pendulum
import pytest

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.tasks.partitions import parse_partition, partition_day

MIDNIGHT_IN_SHANGHAI = pendulum.datetime(2026, 10, 12, tz=SHANGHAI)


@pytest.mark.parametrize("form", ["{:%Y-%m}", "{:%Y%m}"])
@pytest.mark.parametrize("month", range(1, 13))
def test_months(form, month):
    first = dt.date(2026, month, 1)
    assert parse_partition(form.format(first)) == first


@pytest.mark.parametrize("form", ["{:%Y-%m-%d}", "{:%Y%m%d}", "{:%Y-%m-%d (W%V)}", "{:%Y-%m-%dT%H}", "{:%Y-%m-%dT%X}"])
@pytest.mark.parametrize("month", range(1, 13))
def test_days(form, month):
    time = dt.datetime(2026, month, 12, 23)  # noqa: DTZ001 -- a key has no zone
    assert parse_partition(form.format(time)) == time.date()


@pytest.mark.parametrize(
    ("key", "day"),
    [
        ("2026-10-12T00:00:00+08:00", 12),
        ("2026-10-12T00:00:00.000+0800", 12),
        ("2026-10-11T16:00:00Z", 12),
        ("2026-10-11T15:59:59+00:00", 11),
        ("2026-10-12 00:00", 12),
    ],
)
def test_a_time_with_an_offset_counts_in_shanghai(key, day):
    assert parse_partition(key) == dt.date(2026, 10, day)


@pytest.mark.parametrize(
    "key",
    [
        "", "shop-7", "2026", "20261", "2026101", "202613", "2026-13", "2026-10-32", "20261032", "2026-10-12 W42",
        "2026-10-12 (W42) ", " 2026-10-12", "2026-10-12|shop", "2026-10-1", "26-10-12", "2026-1012", "202610-12",
        "2026-10-12T", "2026-10-12T24:61", "2026-W42", "２０２６-10-12", "2026-10-12\n", "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-12:00",
    ],
)  # fmt: skip
def test_a_key_that_is_not_a_date_as_a_whole_is_refused(key):
    with pytest.raises(ConfigurationError, match="The partition key must be a date such as 2026-10-12 or 2026-10, got"):
        parse_partition(key)


def test_the_date_that_airflow_found_comes_first():
    context = {"partition_key": "shop-7", "partition_date": MIDNIGHT_IN_SHANGHAI.in_timezone("UTC")}
    assert partition_day(context) == (dt.date(2026, 10, 12), "shop-7")
    assert partition_day({"partition_key": None, "partition_date": MIDNIGHT_IN_SHANGHAI}) is not None
    assert partition_day({"partition_key": "202611", "partition_date": None}) == (dt.date(2026, 11, 1), "202611")
    assert partition_day({}) is None
