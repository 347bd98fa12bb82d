"""What a load makes of changed, empty and maturing replies, and of what cannot be loaded at all."""

from __future__ import annotations

import contextlib
import datetime as dt

import pendulum
import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
)
from google.api_core.exceptions import NotFound

from airflow_provider_wxanalysis.exceptions import ConfigurationError, DataNotReadyError, EmptyReportError
from airflow_provider_wxanalysis.periods import SHANGHAI
from airflow_provider_wxanalysis.testing import faults
from tests.conftest import APPS, run_context
from tests.transfers.conftest import interval, latest

LATE = {"empty_is_ready_after": dt.timedelta(0)}
TODAY, DAY_BEFORE = latest("visit_page"), latest("visit_page", back=1)


def test_a_page_gone_and_a_value_corrected_leave_nothing_behind(load, wechat_server, dataset, read):
    load("visit_page", TODAY)
    before = read(f"{dataset}.visit_page")

    def corrected(reply):
        first, *rest = reply["list"]
        return {**reply, "list": [{**first, "page_visit_pv": 1}, *rest[1:]]}

    wechat_server.override("visit_page", APPS[0], TODAY.begin_date, corrected)
    load("visit_page", TODAY)
    after = read(f"{dataset}.visit_page")
    assert len(after) == len(before) - 1
    assert sum(row["page_visit_pv"] == 1 and row["page_rank"] == 1 for row in after) == 1
    assert not {row["page_rank"] for row in after} - {row["page_rank"] for row in before}


@pytest.mark.parametrize("wechat_server_options", [{"published_at": dt.time(0), "pages": 250}])
def test_a_cut_list_is_called_so(load, logged):
    assert load("visit_page", TODAY)["rows"] == 200
    assert f"visit_page {TODAY} of app {APPS[0]}: 200 rows (WeChat lists 200 at most)." in logged()


def test_what_the_catalogue_does_not_know_is_loaded_as_json(load, wechat_server, dataset, read):
    news = {"vip": 7, "big": 2**70, "tags": ["新", None]}
    wechat_server.override("daily_summary", APPS[0], TODAY.begin_date, lambda r: {"list": [{**r["list"][0], **news}]})
    load("daily_summary", TODAY)
    assert read(f"{dataset}.daily_summary")[0]["_extra"] == {**news, "big": str(2**70)}


class TestEmptyReplies:
    """An empty list may mean "not yet" or "no visitors"."""

    @pytest.fixture(autouse=True)
    def two_days(self, load, wechat_server):
        load("daily_visit_trend", DAY_BEFORE, TODAY)
        wechat_server.override("daily_visit_trend", APPS[0], TODAY.begin_date, {"list": []})
        wechat_server.override(
            "daily_visit_trend", APPS[0], DAY_BEFORE.begin_date, lambda r: {"list": [{**r["list"][0], "visit_pv": 1}]}
        )

    @pytest.fixture
    def held(self, dataset, read):
        return lambda: {row["begin_date"]: row["visit_pv"] for row in read(f"{dataset}.daily_visit_trend")}

    @pytest.fixture
    def recorded(self, bq, dataset):
        """The days that are recorded as empty."""

        def read():
            with contextlib.suppress(NotFound):
                found = bq.query_and_wait(f"SELECT * FROM `{dataset}.weanalysis_empty_periods`")
                return [str(row["begin_date"]) for row in found]
            return []

        return read

    @pytest.mark.parametrize("on_empty", ["fail", "skip", "replace"])
    def test_early_it_is_not_yet(self, load, held, on_empty):
        """Before its time an empty reply says nothing, whatever it is taken for later."""
        early = {"empty_is_ready_after": dt.timedelta(days=2), "on_empty": on_empty}
        with pytest.raises(EmptyReportError, match=rf"{TODAY} of app {APPS[0]}: the reply came empty, .* Ask again"):
            load("daily_visit_trend", DAY_BEFORE, TODAY, **early)
        assert held()[str(DAY_BEFORE)] == 1, "the others are loaded"
        assert held()[str(TODAY)] > 1

    def test_fail_late_refuses_to_forget_rows(self, load, held):
        with pytest.raises(AirflowFailException, match="EmptyReportError: .* the table holds 1 row, left as they are"):
            load("daily_visit_trend", DAY_BEFORE, TODAY, **LATE)
        assert held()[str(DAY_BEFORE)] == 1
        assert held()[str(TODAY)] > 1

    def test_fail_late_accepts_a_day_without_traffic_and_records_it(self, load, bq, dataset, held, logged):
        bq.query_and_wait(f"DELETE FROM `{dataset}.daily_visit_trend` WHERE begin_date = '{TODAY}'")
        summary = load("daily_visit_trend", DAY_BEFORE, TODAY, **LATE)
        assert summary["apps"][APPS[0]]["empty_periods"] == [str(TODAY)]
        assert summary["rows"] == 1
        assert held() == {str(DAY_BEFORE): 1}
        (row,) = bq.query_and_wait(f"SELECT * FROM `{dataset}.weanalysis_empty_periods`")
        assert (row["appid"], row["endpoint"], str(row["begin_date"])) == (APPS[0], "daily_visit_trend", str(TODAY))
        assert f"{TODAY} of app {APPS[0]}: accepted as empty, though {DAY_BEFORE} had 1 row." in logged()

    def test_skip_leaves_the_slice_alone(self, load, held, logged):
        summary = load("daily_visit_trend", DAY_BEFORE, TODAY, on_empty="skip", **LATE)
        assert summary["apps"][APPS[0]]["empty_periods"] == [str(TODAY)]
        assert held()[str(DAY_BEFORE)] == 1
        assert held()[str(TODAY)] > 1
        assert f"Empty: {TODAY} of app {APPS[0]}." in logged()

    def test_skip_skips_if_every_period_is_empty(self, load, held):
        with pytest.raises(AirflowSkipException, match="every period was empty"):
            load("daily_visit_trend", TODAY, on_empty="skip", **LATE)
        assert held()[str(TODAY)] > 1

    def test_replace_empties_the_slice(self, load, held):
        summary = load("daily_visit_trend", DAY_BEFORE, TODAY, on_empty="replace", **LATE)
        assert (summary["rows"], len(summary["load_ids"])) == (1, 1)
        assert summary["apps"][APPS[0]]["empty_periods"] == [str(TODAY)]
        assert held() == {str(DAY_BEFORE): 1}

    @pytest.mark.parametrize("on_empty", ["skip", "replace"])
    def test_where_the_slice_holds_nothing_it_is_recorded_and_nothing_merged(
        self, load, bq, dataset, held, proxy, recorded, on_empty
    ):
        bq.query_and_wait(f"DELETE FROM `{dataset}.daily_visit_trend` WHERE begin_date = '{TODAY}'")
        with contextlib.suppress(AirflowSkipException):
            load("daily_visit_trend", TODAY, on_empty=on_empty, **LATE)
        assert recorded() == [str(TODAY)]
        assert proxy.statements("MERGE") == []

    @pytest.mark.parametrize(("on_empty", "records"), [("skip", []), ("replace", [str(TODAY)])])
    def test_where_the_slice_holds_rows_it_is_recorded_once_they_are_gone(
        self, load, held, recorded, on_empty, records
    ):
        load("daily_visit_trend", DAY_BEFORE, TODAY, on_empty=on_empty, **LATE)
        assert recorded() == records
        assert (str(TODAY) in held()) == (on_empty == "skip")

    def test_an_empty_lookback_period_changes_nothing(self, load, wechat_server, held):
        wechat_server.override("daily_visit_trend", APPS[0], DAY_BEFORE.begin_date, {"list": []})
        wechat_server.override("daily_visit_trend", APPS[0], TODAY.begin_date, lambda reply: reply)
        before = held()
        summary = load("daily_visit_trend", TODAY, lookback=1, **LATE)
        assert summary["apps"][APPS[0]]["empty_periods"] == [str(DAY_BEFORE)]
        assert held() == before

    def test_an_empty_lookback_period_is_emptied_on_request(self, load, wechat_server, held):
        wechat_server.override("daily_visit_trend", APPS[0], DAY_BEFORE.begin_date, {"list": []})
        wechat_server.override("daily_visit_trend", APPS[0], TODAY.begin_date, lambda reply: reply)
        load("daily_visit_trend", TODAY, lookback=1, on_empty="replace", **LATE)
        assert set(held()) == {str(TODAY)}


@pytest.mark.parametrize("on_empty", ["fail", "skip", "replace"])
def test_a_part_that_comes_empty_before_its_time_is_not_yet(load, wechat_server, dataset, on_empty):
    """Of five modules one is not published: four are not the day."""
    modules = iter(range(5))

    def without_the_first(reply):
        return {**reply, "data": {"body": {"tables": []}}} if next(modules) == 0 else reply

    wechat_server.override("performance_data", APPS[0], TODAY.begin_date, without_the_first)
    early = {"empty_is_ready_after": dt.timedelta(days=2), "on_empty": on_empty}
    with pytest.raises(EmptyReportError, match="came empty, which may mean that WeChat has not published"):
        load("performance_data", TODAY, **early)


def test_nothing_due_skips(load, wechat_server):
    monday = pendulum.datetime(2026, 3, 9, 10, 30, tz=SHANGHAI)
    with pytest.raises(AirflowSkipException, match="no week ended in the run's interval"):
        load("weekly_retain", latest("weekly_retain"), context=run_context(monday, monday.add(days=1)))
    assert wechat_server.calls == []


def test_not_published_yet_is_left_to_airflow_s_retries(load, wechat_server, dataset, read):
    load("daily_summary", DAY_BEFORE)
    wechat_server.faults.add(faults.errcode(61503), times=None)
    with pytest.raises(DataNotReadyError, match=str(TODAY)):
        load("daily_summary", TODAY)
    assert [row["begin_date"] for row in read(f"{dataset}.daily_summary")] == [str(DAY_BEFORE)]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (faults.errcode(48001), "NotAuthorizedError: daily_summary .* 48001"),
        (faults.wrong_shape({"list": [{"ref_date": f"{TODAY.begin_date:%Y%m%d}", "share_pv": "many"}]}),
         "PayloadError: .*share_pv must be INT64, got 'many'"),
        (faults.wrong_ref_date(), "PayloadError: .* ref_date must be "),
    ],
    ids=["48001", "wrong type", "wrong period"],
)  # fmt: skip
def test_what_no_retry_mends_ends_the_task_and_writes_nothing(load, wechat_server, dataset, read, fault, message):
    load("daily_summary", TODAY)
    before = read(f"{dataset}.daily_summary", load_columns=True)
    wechat_server.faults.add(fault, times=None)
    with pytest.raises(AirflowFailException, match=message):
        load("daily_summary", TODAY)
    assert read(f"{dataset}.daily_summary", load_columns=True) == before


def test_a_dataset_that_does_not_exist(load, project):
    with pytest.raises(AirflowFailException, match="Dataset .*nowhere does not exist. Create it .* set create_dataset"):
        load("daily_summary", TODAY, destination_project_dataset_table=f"{project}.nowhere.t")


@pytest.mark.parametrize(
    ("rendered", "message"),
    [
        *(({"destination_project_dataset_table": table}, "Table") for table in ("d.t", "p.d.t$20260101", "p.d.{no}")),
        ({"from_date": "2026-03-32", "to_date": "2026-03-31"}, "must be a day of the calendar"),
        ({"from_date": "2026-03-02", "to_date": "2026-03-01"}, "is after"),
        ({"from_date": "2999-01-01", "to_date": "2999-01-01"}, "has not ended yet"),
    ],
)
def test_what_turns_out_wrong_when_rendered_is_refused_before_any_call(load, wechat_server, rendered, message):
    with pytest.raises(AirflowFailException, match=f"ConfigurationError: .*{message}"):
        load("daily_summary", TODAY, rendered=rendered)
    assert wechat_server.calls == []


def test_appid_and_endpoint_are_filled_in(load, dataset, bq):
    summary = load("daily_summary", TODAY, destination_project_dataset_table=f"{dataset}.{{endpoint}}_{{appid}}")
    assert summary["table"] == f"{dataset}.daily_summary_{APPS[0]}"
    assert bq.get_table(summary["table"]).labels["weanalysis_endpoint"] == "daily_summary"


def test_impersonation_needs_a_gcp_connection(load):
    with pytest.raises(ConfigurationError, match="impersonation_chain needs a gcp_conn_id"):
        load("daily_summary", TODAY, impersonation_chain="robot@p.iam.gserviceaccount.com")


def test_a_worker_without_credentials(load, monkeypatch, tmp_path):
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(AirflowFailException, match="Application Default Credentials, and this worker has none"):
        load("daily_summary", TODAY)


@pytest.mark.parametrize("cohort", ["visit_uv", "visit_uv_new"])
@pytest.mark.parametrize("on_empty", ["fail", "skip"])
def test_a_cohort_that_comes_without_a_row_is_kept(load, wechat_server, dataset, read, logged, cohort, on_empty):
    day = latest("daily_retain")
    load("daily_retain", day)
    before = read(f"{dataset}.daily_retain")
    wechat_server.override("daily_retain", APPS[0], day.begin_date, lambda reply: {**reply, cohort: []})
    load("daily_retain", day, on_empty=on_empty, **LATE)
    assert read(f"{dataset}.daily_retain") == before
    assert "have a cohort without users where the table has some" in logged()


def test_a_module_that_comes_empty_late_is_named(load, wechat_server, logged):
    day = latest("performance_data")

    def without_10016(reply):
        opened = reply["data"]["body"]["tables"][0]["id"] == "openrate"
        return {**reply, "data": {"body": {"tables": []}}} if opened else reply

    wechat_server.override("performance_data", APPS[0], day.begin_date, without_10016)
    load("performance_data", day, **LATE)
    assert "Nothing for module 10016 (1 period)." in logged()


def test_a_retry_knows_which_lists_were_truncated(transfer, wechat_server):
    wechat_server.override("visit_page", APPS[0], DAY_BEFORE.begin_date, {"errcode": 61503, "errmsg": "not yet"})
    context = interval(DAY_BEFORE, TODAY, task_id="load_visit_page")
    context["ti"].max_tries = 3
    context["dag_run"].start_date = dt.datetime.now(dt.UTC)
    task = transfer("visit_page", retries=3)
    with pytest.raises(DataNotReadyError):
        task.execute(context)
    wechat_server.override("visit_page", APPS[0], DAY_BEFORE.begin_date, lambda reply: reply)
    context["ti"].try_number = 2
    app = task.execute(context)["apps"][APPS[0]]
    assert app["truncated_periods"] == app["periods"] == [str(DAY_BEFORE), str(TODAY)]


def test_labels_reach_jobs_and_table(load, bq):
    summary = load("daily_summary", TODAY, labels={"team": "growth"})
    assert bq.get_job(summary["load_ids"][0]).labels["team"] == "growth"
    assert bq.get_table(summary["table"]).labels["team"] == "growth"


def test_the_log_calls_an_app_by_its_name(transfer, wechat_server, connect, logged):
    task = transfer("daily_summary")
    connect(wechat_server, APPS[0], f"app_{APPS[0]}", app_name="商店")
    day = latest("daily_summary")
    task.execute(run_context(day.closes_at.subtract(hours=1), day.closes_at.add(hours=9)))
    assert f"daily_summary {day} of app {APPS[0]} (商店): 1 row." in logged()
