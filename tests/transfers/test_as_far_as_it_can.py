"""A load gets as far as it can: what has rows is in the table, and one error says what could not be fetched."""

from __future__ import annotations

import datetime as dt
import traceback

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, TaskDeferred

from airflow_provider_wxanalysis.exceptions import DataNotReadyError, LoadError, QuotaExceededError, TransportError
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from tests.conftest import APPS
from tests.transfers.conftest import interval, latest

DAYS = [latest("daily_summary", back=back) for back in range(6, -1, -1)]
MANY = [f"wx{number:016x}" for number in range(0xC1, 0xC6)]


@pytest.fixture
def held(dataset, read):
    """The days in the table, by app."""

    def find(endpoint="daily_summary"):
        found: dict[str, set[str]] = {}
        for row in read(f"{dataset}.{endpoint}"):
            found.setdefault(row["appid"], set()).add(row["begin_date"])
        return found

    return find


def answer(wechat_server, day, errcode, appid=APPS[0], endpoint="daily_summary"):
    wechat_server.override(endpoint, appid, day.begin_date, {"errcode": errcode, "errmsg": "no"})


def texts(periods):
    return {str(period.begin_date) for period in periods}


class TestOneApp:
    def test_a_quota_that_ends_keeps_what_came_before(self, load, transfer, wechat_server, held):
        wechat_server.quotas.per_day = 3
        with pytest.raises(LoadError, match=r"4 periods of 1 app could not be loaded") as caught:
            load("daily_summary", DAYS[0], DAYS[-1])
        assert caught.value.retryable
        assert {type(failure.error) for failure in caught.value.failures} == {QuotaExceededError}
        assert "3 periods of 1 app, 3 rows. The next try asks only for what is missing." in str(caught.value)
        assert len(held()[APPS[0]]) == 3

    def test_the_next_try_asks_only_for_what_is_missing(self, transfer, wechat_server, held):
        answer(wechat_server, DAYS[2], 45009)
        context = interval(DAYS[0], DAYS[-1], task_id="load_daily_summary")
        context["ti"].max_tries = 3
        context["dag_run"].start_date = dt.datetime.now(dt.UTC)
        task = transfer("daily_summary", retries=3, max_requests_in_flight=1)
        with pytest.raises(LoadError):
            task.execute(context)
        before = held()[APPS[0]]
        wechat_server.override("daily_summary", APPS[0], DAYS[2].begin_date, lambda reply: reply)
        wechat_server.calls.clear()

        context["ti"].try_number = 2
        summary = task.execute(context)
        assert wechat_server.count("daily_summary") == 7 - len(before)
        assert set(summary["apps"][APPS[0]]["periods"]) == held()[APPS[0]] == texts(DAYS)
        assert (summary["rows"], len(summary["load_ids"])) == (7, 2), "of both tries"

        wechat_server.calls.clear()
        context["ti"].try_number, context["ti"].max_tries = 3, 5  # cleared: someone wants it loaded again
        task.execute(context)
        assert wechat_server.count("daily_summary") == 7

    @pytest.mark.parametrize(
        ("reply", "error", "message"),
        [
            ({"errcode": 61503, "errmsg": ""}, DataNotReadyError, "61503"),
            ({"errcode": 61501, "errmsg": ""}, AirflowFailException, "DateRangeError: .*61501"),
            ({"list": [{"ref_date": "19990101"}]}, AirflowFailException, "PayloadError: "),
        ],
    )
    def test_the_others_are_loaded(self, load, wechat_server, held, reply, error, message):
        wechat_server.override("daily_summary", APPS[0], DAYS[2].begin_date, reply)
        with pytest.raises(error, match=f"{message}") as caught:
            load("daily_summary", DAYS[0], DAYS[4])
        assert str(DAYS[2]) in str(caught.value)
        assert held()[APPS[0]] == texts(DAYS[:5]) - texts([DAYS[2]])

    def test_what_cannot_be_mended_does_not_hide_what_can(self, load, wechat_server):
        answer(wechat_server, DAYS[1], 61501)
        answer(wechat_server, DAYS[3], 61503)
        with pytest.raises(LoadError) as caught:
            load("daily_summary", DAYS[0], DAYS[-1])
        assert caught.value.retryable
        assert str(caught.value).index("DateRangeError") < str(caught.value).index("DataNotReadyError")


class TestLookback:
    @pytest.mark.parametrize("errcode", [61501, 61503, 47001, 45009])
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_its_errors_are_warnings(self, load, wechat_server, held, logged, errcode, deferrable):
        day, before = latest("daily_retain"), latest("daily_retain", back=30)
        answer(wechat_server, before, errcode, endpoint="daily_retain")
        summary = load("daily_retain", day, lookback=[30], deferrable=deferrable)
        assert summary["apps"][APPS[0]]["periods"] == [str(day)]
        assert held("daily_retain") == {APPS[0]: {str(day)}}
        assert (
            f"Left as it is in the table: daily_retain {before} of app {APPS[0]}: WeChat answered {errcode}" in logged()
        )

    def test_a_broken_reply_is_one_too(self, load, wechat_server, held):
        day, before = latest("daily_retain"), latest("daily_retain", back=30)
        wechat_server.override(
            "daily_retain", APPS[0], before.begin_date, lambda reply: {**reply, "visit_uv_new": None}
        )
        load("daily_retain", day, lookback=[30])
        assert held("daily_retain") == {APPS[0]: {str(day)}}

    def test_it_comes_after_what_is_due_is_published(self, load, wechat_server):
        """Or the cohorts' newest figures, which come with the due day's, would be missed."""
        day = latest("daily_retain")
        answer(wechat_server, day, 61503, endpoint="daily_retain")
        with pytest.raises(DataNotReadyError):
            load("daily_retain", day, lookback=[1, 2])
        assert wechat_server.count("daily_retain") == 1


class TestManyApps:
    def test_one_statement_and_one_look_for_all(self, load, proxy, held):
        summary = load("daily_summary", DAYS[-1], appid=MANY)
        assert held() == {appid: texts(DAYS[-1:]) for appid in MANY}
        assert (len(proxy.statements("MERGE")), len(proxy.statements("SELECT"))) == (1, 1)
        assert list(summary["apps"]) == MANY
        assert summary["rows"] == len(MANY)

    def test_a_hundred(self, transfer, wechat_server, proxy, held):
        appids = [f"wx{number:016x}" for number in range(100)]
        summary = transfer("daily_summary", appid=appids).execute(interval(DAYS[-1]))
        assert summary["rows"] == len(held()) == 100
        assert (len(proxy.statements("MERGE")), len(proxy.statements("SELECT"))) == (1, 1)
        assert (wechat_server.count("token"), wechat_server.count("daily_summary")) == (100, 100)

    def test_one_wrong_secret_leaves_the_others_loaded(self, transfer, wechat_server, held):
        task = transfer("daily_summary", appid=MANY)
        wechat_server.apps.reset_secret(MANY[0], "another" * 5)
        with pytest.raises(
            AirflowFailException, match=rf"LoadError: .*7 periods of 1 app .*\n- app {MANY[0]}, .*40125"
        ):
            task.execute(interval(DAYS[0], DAYS[-1], task_id="load"))
        assert held() == {appid: texts(DAYS) for appid in MANY[1:]}
        assert wechat_server.count("daily_summary", MANY[0]) == 0

    def test_the_same_app_by_two_names_is_loaded_once(self, transfer, connect, wechat_server, held, logged):
        first, second = (connect(wechat_server, APPS[0], name) for name in ("one", "two"))
        summary = transfer("daily_summary", weanalysis_conn_id=[first, second]).execute(interval(DAYS[-1]))
        assert (summary["rows"], list(summary["apps"])) == (1, [APPS[0]])
        assert "are the same app" in logged()

    def test_apps_behind_one_connection(self, transfer, connect, wechat_server, held, monkeypatch):
        conn_id = connect(wechat_server, MANY[0], "company", auth="central")
        read, get_connection = [], WeAnalysisHook.get_connection
        monkeypatch.setattr(
            WeAnalysisHook, "get_connection", lambda self, name: read.append(name) or get_connection(name)
        )
        task = transfer("daily_summary", weanalysis_conn_id=conn_id, appids=MANY)
        assert list(task.execute(interval(DAYS[-1]))["apps"]) == MANY
        assert set(held()) == set(MANY)
        assert read == [conn_id], "it is read once"

    def test_a_connection_that_is_not_there_is_one_app_s_error(self, transfer, connect, wechat_server, held):
        task = transfer("daily_summary", weanalysis_conn_id=["nowhere", connect(wechat_server, APPS[0], "one")])
        with pytest.raises(ValueError, match="Connection 'nowhere' is not defined"):
            task.execute(interval(DAYS[-1]))
        assert held() == {APPS[0]: texts(DAYS[-1:])}

    def test_the_log_has_a_line_for_each_app_that_lacks_something(self, transfer, wechat_server, logged):
        apps = [f"wx{number:016x}" for number in range(0xD0, 0xD0 + 30)]
        for appid in apps[1:]:
            answer(wechat_server, DAYS[-1], 61501, appid=appid)
        with pytest.raises(AirflowFailException, match="29 periods of 29 apps"):
            transfer("daily_summary", appid=apps).execute(interval(DAYS[-1]))
        log = logged()
        assert f"App {apps[0]}:" not in log
        assert all(f"App {appid}: DateRangeError: {DAYS[-1].begin_date}." in log for appid in apps[1:])

    @pytest.mark.parametrize(
        ("error", "ends", "message"),
        [
            (PermissionError("403 from the vault"), AirflowFailException, "PermissionError: 403 from the vault. Check"),
            (AirflowException("Can't decrypt"), AirflowFailException, "AirflowException: Can't decrypt. Check"),
            (ValueError("port of weanalysis://x:s3cr3t"), AirflowFailException, "ValueError. Check"),
            (ConnectionError("the vault is down"), TransportError, "ConnectionError: the vault is down. Check"),
        ],
        ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
    )
    def test_so_is_one_that_airflow_cannot_read(
        self, transfer, connect, wechat_server, held, monkeypatch, error, ends, message
    ):
        get_connection = WeAnalysisHook.get_connection

        def broken(hook, conn_id):
            if conn_id == "broken":
                raise error
            return get_connection(conn_id)

        monkeypatch.setattr(WeAnalysisHook, "get_connection", broken)
        task = transfer("daily_summary", weanalysis_conn_id=["broken", connect(wechat_server, APPS[0], "one")])
        with pytest.raises(ends, match=f"could not read connection 'broken': {message}") as caught:
            task.execute(interval(DAYS[-1]))
        assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
        assert held() == {APPS[0]: texts(DAYS[-1:])}

    def test_the_wait_is_for_exactly_what_is_not_there(self, transfer, wechat_server, held):
        for day in DAYS[-2:]:
            answer(wechat_server, day, 61503, appid=MANY[1])
        answer(wechat_server, DAYS[-1], 61503, appid=MANY[3])
        answer(wechat_server, DAYS[0], 61501, appid=MANY[4])
        context = interval(DAYS[0], DAYS[-1], task_id="load_daily_summary")
        context["ti"].start_date = dt.datetime.now(dt.UTC)
        task = transfer("daily_summary", appid=MANY, deferrable=True)
        with pytest.raises(TaskDeferred) as deferred:
            task.execute(context)
        groups = deferred.value.trigger.apps
        waits = {conn_id: group["periods"] for group in groups for conn_id in group["weanalysis_conn_id"]}
        assert waits == {
            f"app_{MANY[1]}": [[str(day)] * 2 for day in DAYS[-2:]],
            f"app_{MANY[3]}": [[str(DAYS[-1])] * 2],
        }
        assert sum(map(len, held().values())) == 7 * 5 - 4, "the rest is loaded before the wait"

        for appid in (MANY[1], MANY[3]):
            for day in DAYS[-2:]:
                wechat_server.override("daily_summary", appid, day.begin_date, lambda reply: reply)
        wechat_server.calls.clear()
        with pytest.raises(AirflowFailException, match=f"DateRangeError: daily_summary {DAYS[0]} of app {MANY[4]}"):
            task.execute_complete(context, {"deadline": deferred.value.trigger.deadline})
        assert wechat_server.count("daily_summary") == 4, "the three that were waited for, and the one refused"
        assert sum(map(len, held().values())) == 7 * 5 - 1

    def test_appid_in_the_table_s_name_needs_a_single_one(self, load, dataset):
        with pytest.raises(AirflowFailException, match=r"\{appid\} needs a task with a single app, got 5"):
            load("daily_summary", DAYS[-1], appid=MANY, destination_project_dataset_table=f"{dataset}.t_{{appid}}")


class TestRefusedWrites:
    """BigQuery refuses to write, at one time or another: that is never taken for success."""

    @pytest.fixture
    def refusing(self, proxy):
        """Refuse all MERGEs after the first ``count``."""

        def start(count):
            from tests.support.proxy import api_error

            def rule(exchange):
                if exchange.sql.startswith("MERGE") and len(proxy.statements("MERGE")) > count:
                    return api_error(403, "accessDenied", "Access Denied: no permission to update")
                return None

            proxy.rules.append(rule)

        return start

    def test_the_only_statement(self, load, refusing, held):
        refusing(0)
        with pytest.raises(AirflowFailException, match="DestinationError: "):
            load("daily_summary", DAYS[0], DAYS[-1])
        assert held() == {}

    @pytest.mark.parametrize("written", [0, 1, 6])
    def test_the_first_a_later_one_and_the_last(self, load, refusing, held, monkeypatch, written):
        from airflow_provider_wxanalysis.bigquery import chunks

        monkeypatch.setattr(chunks, "CHUNK_BYTES", 1)
        refusing(written)
        with pytest.raises(AirflowFailException, match="DestinationError: "):
            load("daily_summary", DAYS[0], DAYS[-1])
        assert len(held().get(APPS[0], ())) == written

    def test_while_fetching_goes_on(self, load, refusing, wechat_server, monkeypatch):
        from airflow_provider_wxanalysis.bigquery import chunks

        monkeypatch.setattr(chunks, "CHUNK_BYTES", 1)
        wechat_server.latency = 0.3
        refusing(0)
        with pytest.raises(AirflowFailException, match="DestinationError: "):
            load("daily_summary", latest("daily_summary", back=300), DAYS[-1])
        assert wechat_server.count("daily_summary") < 150, "what cannot be written need not be fetched"

    def test_a_table_that_is_another_s_stops_it_soon(self, load, wechat_server, dataset):
        load("daily_summary", DAYS[-1], destination_project_dataset_table=f"{dataset}.t")
        wechat_server.latency = 0.3
        with pytest.raises(AirflowFailException, match=r"it holds daily_summary .*, not daily_visit_trend"):
            load(
                "daily_visit_trend",
                latest("daily_visit_trend", back=300),
                latest("daily_visit_trend"),
                destination_project_dataset_table=f"{dataset}.t",
            )
        assert wechat_server.count("daily_visit_trend") < 150
