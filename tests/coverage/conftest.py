"""Healing in real tables: loads, coverage, and loads of what coverage plans."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from airflow_provider_wxanalysis.operators.coverage import WeAnalysisCoverageOperator
from airflow_provider_wxanalysis.periods import last_closed_day
from airflow_provider_wxanalysis.tasks.outcomes import OnEmpty
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS, run_context

SHOP, MAGAZINE = APPS
YESTERDAY = last_closed_day(dt.datetime.now(dt.UTC))
DAYS = 9


def back(days):
    return YESTERDAY - dt.timedelta(days=days)


SINCE = back(DAYS - 1)


class Healing:
    """Loads and coverage of one dataset; apps are connections ``shop`` and ``magazine``."""

    def __init__(self, dataset, wechat):
        self.destination, self.wechat = f"{dataset}.{{endpoint}}", wechat
        self.on_empty: OnEmpty = "fail"
        self.options: dict[str, Any] = {"gcp_conn_id": None, "empty_is_ready_after": dt.timedelta(0)}

    def load(self, **arguments):
        task = WeAnalysisToBigQueryOperator(
            task_id="load",
            destination_project_dataset_table=self.destination,
            lookback=0,
            on_empty=self.on_empty,
            **self.options,
            **arguments,
        )
        return task.execute(run_context(None, dt.datetime.now(dt.UTC)))

    def days(self, endpoint, first, last, conn_id="shop", **arguments):
        return self.load(
            endpoint=endpoint, weanalysis_conn_id=conn_id, from_date=str(first), to_date=str(last), **arguments
        )

    def coverage(self, *endpoints, conn_ids=("shop",), since=SINCE, context=None, **options):
        task = WeAnalysisCoverageOperator(
            task_id="coverage",
            conn_ids=list(conn_ids),
            endpoints=endpoints,
            destination=self.destination,
            since=since,
            **self.options,
            **options,
        )
        return task.execute(context or run_context(None, None))

    def heal(self, *endpoints, **options):
        """Load what is missing; return what WeChat was asked for, by endpoint, app and first day."""
        before = len(self.wechat.calls)
        for arguments in self.coverage(*endpoints, **options):
            self.load(**arguments)
        asked = [call for call in self.wechat.calls[before:] if call.endpoint]
        return sorted(
            (call.endpoint, call.appid, call.body["begin_date"]) for call in asked if "begin_date" in call.body
        )


@pytest.fixture
def healing(dataset, wechat_server, connect):
    connect(wechat_server, SHOP, "shop", app_name="商店")
    connect(wechat_server, MAGAZINE, "magazine")
    return Healing(dataset, wechat_server)


def asked(endpoint, *days, appid=SHOP):
    return sorted((endpoint, appid, f"{day:%Y%m%d}") for day in days)
