"""What a load makes of changed, empty and maturing replies, and of what cannot be loaded at all."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pendulum
import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
)

from airflow_provider_wxanalysis.exceptions import DataNotReadyError, DestinationError, EmptyReportError
from airflow_provider_wxanalysis.periods import DAY, SHANGHAI, Period
from airflow_provider_wxanalysis.testing import faults
from tests.conftest import APPS, run_context
from tests.transfers.conftest import latest

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
    assert "top 200 only" in logged()


def test_what_the_catalogue_does_not_know_is_loaded_as_json(load, wechat_server, dataset, read):
    news = {"vip": 7, "big": 2**70, "tags": ["新", None]}
    wechat_server.override("daily_summary", APPS[0], TODAY.begin_date, lambda r: {"list": [{**r["list"][0], **news}]})
    load("daily_summary", TODAY)
    assert read(f"{dataset}.daily_summary")[0]["_extra"] == {**news, "big": str(2**70)}


class TestEmptyReplies:
    """An empty list may mean "not yet" or "nobody came"."""

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

    def test_fail_early_waits_for_a_retry(self, load, held):
        late = dt.timedelta(days=2)
        with pytest.raises(EmptyReportError, match=rf"app {APPS[0]}: empty for {TODAY}, .* ask again after") as caught:
            load("daily_visit_trend", DAY_BEFORE, TODAY, empty_is_ready_after=late)
        assert caught.value.retryable
        assert held()[str(DAY_BEFORE)] == 1, "the others were loaded first"
        assert held()[str(TODAY)] > 1

    def test_fail_late_refuses_to_forget_rows(self, load, held):
        with pytest.raises(
            AirflowFailException, match="for which the table holds rows; they were left alone"
        ) as caught:
            load("daily_visit_trend", DAY_BEFORE, TODAY, empty_is_ready_after=dt.timedelta(0))
        assert isinstance(caught.value.__cause__, EmptyReportError)
        assert held()[str(DAY_BEFORE)] == 1
        assert held()[str(TODAY)] > 1

    def test_fail_late_accepts_a_day_without_traffic(self, load, bq, dataset, held):
        bq.query_and_wait(f"DELETE FROM `{dataset}.daily_visit_trend` WHERE begin_date = '{TODAY}'")
        summary = load("daily_visit_trend", DAY_BEFORE, TODAY, empty_is_ready_after=dt.timedelta(0))
        assert summary["empty_periods"] == [str(TODAY)]
        assert summary["rows"] == 1
        assert held() == {str(DAY_BEFORE): 1}

    def test_skip_leaves_the_slice_alone(self, load, held, logged):
        summary = load("daily_visit_trend", DAY_BEFORE, TODAY, on_empty="skip")
        assert summary["empty_periods"] == [str(TODAY)]
        assert held()[str(DAY_BEFORE)] == 1
        assert held()[str(TODAY)] > 1
        assert f"'empty_periods': ['{TODAY}']" in logged()

    def test_skip_skips_if_every_period_is_empty(self, load, held):
        with pytest.raises(AirflowSkipException, match="every period was empty"):
            load("daily_visit_trend", TODAY, on_empty="skip")
        assert held()[str(TODAY)] > 1

    def test_replace_empties_the_slice(self, load, held):
        summary = load("daily_visit_trend", DAY_BEFORE, TODAY, on_empty="replace")
        assert (summary["rows"], summary["empty_periods"], len(summary["load_ids"])) == (1, [str(TODAY)], 1)
        assert held() == {str(DAY_BEFORE): 1}

    def test_an_empty_lookback_period_changes_nothing(self, load, wechat_server, held):
        wechat_server.override("daily_visit_trend", APPS[0], DAY_BEFORE.begin_date, {"list": []})
        wechat_server.override("daily_visit_trend", APPS[0], TODAY.begin_date, lambda reply: reply)
        before = held()
        summary = load("daily_visit_trend", TODAY, lookback=1)
        assert summary["empty_periods"] == [str(DAY_BEFORE)]
        assert held() == before

    def test_an_empty_lookback_period_is_emptied_on_request(self, load, wechat_server, held):
        wechat_server.override("daily_visit_trend", APPS[0], DAY_BEFORE.begin_date, {"list": []})
        wechat_server.override("daily_visit_trend", APPS[0], TODAY.begin_date, lambda reply: reply)
        load("daily_visit_trend", TODAY, lookback=1, on_empty="replace")
        assert set(held()) == {str(TODAY)}


def test_retention_matures(load, wechat_server, dataset, read):
    """After 31 daily runs with the default refresh the first day has all its offsets."""
    first = DAY.earlier(latest("daily_retain"), 40)
    for number in range(31):
        day = Period(first.begin_date + dt.timedelta(days=number), first.begin_date + dt.timedelta(days=number))
        wechat_server.now = day.closes_at.add(hours=12)
        load("daily_retain", day, lookback=None)
    offsets = [
        (row["cohort"], row["period_offset"])
        for row in read(f"{dataset}.daily_retain")
        if row["begin_date"] == str(first)
    ]
    days = [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]
    assert sorted(offsets) == sorted((cohort, day) for cohort in ("visit_uv", "visit_uv_new") for day in days)


@pytest.mark.parametrize(
    ("lookback", "run_type", "dates", "asked"),
    [
        (None, "scheduled", False, 10),
        (None, "backfill", False, 1),
        (None, "scheduled", True, 1),
        (2, "backfill", False, 3),
        (2, "scheduled", True, 3),
        ([30], "scheduled", False, 2),
        (0, "scheduled", False, 1),
    ],
)
def test_the_default_lookback_is_for_scheduled_runs(load, wechat_server, lookback, run_type, dates, asked):
    day = latest("daily_retain")
    context = run_context(day.closes_at.subtract(minutes=1), day.closes_at.add(minutes=1))
    context["dag_run"] = SimpleNamespace(run_type=run_type)
    explicit = {"from_date": str(day), "to_date": str(day)} if dates else {}
    load("daily_retain", day, lookback=lookback, context=context, **explicit)
    assert wechat_server.count("daily_retain") == asked


def test_lookbacks_of_several_due_periods_are_fetched_once(load, wechat_server):
    load("daily_retain", latest("daily_retain", back=4), latest("daily_retain"), lookback=(1, 2, 3))
    assert wechat_server.count("daily_retain") == 8


def test_nothing_due_skips(load, wechat_server):
    monday = pendulum.datetime(2026, 3, 9, 10, 30, tz=SHANGHAI)
    with pytest.raises(AirflowSkipException, match="no week ends in the run's interval"):
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
         "PayloadError: .*share_pv is no INT64 but 'many'"),
        (faults.wrong_ref_date(), "PayloadError: .* speaks of ref_date"),
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


def test_a_dataset_that_does_not_exist(load, project, wechat_server):
    with pytest.raises(AirflowFailException, match="Dataset .*nowhere does not exist. Create it .* set create_dataset"):
        load("daily_summary", TODAY, destination_project_dataset_table=f"{project}.nowhere.t")
    assert wechat_server.count("daily_summary") == 0, "refused before anything is fetched"


@pytest.mark.parametrize(
    ("rendered", "message"),
    [
        *(({"destination_project_dataset_table": table}, "Table") for table in ("d.t", "p.d.t$20260101", "p.d.{no}")),
        ({"from_date": "2026-03-32", "to_date": "2026-03-31"}, "no date of the calendar"),
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
    with pytest.raises(AirflowFailException, match="impersonation_chain needs a gcp_conn_id"):
        load("daily_summary", TODAY, impersonation_chain="robot@p.iam.gserviceaccount.com")


def test_a_worker_without_credentials(load, monkeypatch, tmp_path):
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(AirflowFailException, match="Application Default Credentials, and this worker has none"):
        load("daily_summary", TODAY)


def test_a_table_of_another_endpoint_is_refused_before_any_fetch(load, dataset, wechat_server):
    load("daily_summary", TODAY, destination_project_dataset_table=f"{dataset}.t")
    with pytest.raises(AirflowFailException, match="it holds daily_summary .*, not daily_visit_trend") as caught:
        load("daily_visit_trend", TODAY, destination_project_dataset_table=f"{dataset}.t")
    assert isinstance(caught.value.__cause__, DestinationError)
    assert wechat_server.count("daily_visit_trend") == 0


def test_labels_reach_jobs_and_table(load, bq):
    summary = load("daily_summary", TODAY, labels={"team": "growth"})
    assert bq.get_job(summary["load_ids"][0]).labels["team"] == "growth"
    assert bq.get_table(summary["table"]).labels["team"] == "growth"
