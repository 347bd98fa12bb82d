"""Arguments of operators, sensor and transfer: what is refused when the DAG is parsed, and what waits for the run."""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
import threading

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, AirflowSkipException

from airflow_provider_wxanalysis.exceptions import ConfigurationError, DataNotReadyError, WeAnalysisError
from airflow_provider_wxanalysis.operators import weanalysis as operators
from airflow_provider_wxanalysis.operators.weanalysis import (
    WeAnalysisDailyRetainOperator,
    WeAnalysisDailySummaryOperator,
    WeAnalysisOperator,
    WeAnalysisPerformanceDataOperator,
    WeAnalysisUserPortraitOperator,
    WeAnalysisWeeklyVisitTrendOperator,
)
from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS, run_context
from tests.transfers.conftest import latest

ALL = {
    "operator": WeAnalysisOperator,
    "sensor": WeAnalysisDataSensor,
    "transfer": WeAnalysisToBigQueryOperator,
}


def make(kind, **arguments):
    if kind == "transfer":
        arguments.setdefault("destination_project_dataset_table", "p.d.{endpoint}")
    return ALL[kind](task_id=f"a_{kind}", **{"endpoint": "daily_visit_trend", **arguments})


def subclasses():
    """The operators of single endpoints."""
    classes = [cls for cls in vars(operators).values() if inspect.isclass(cls) and issubclass(cls, WeAnalysisOperator)]
    return [cls for cls in classes if cls is not WeAnalysisOperator]


def test_an_operator_s_own_options_reach_the_endpoint():
    task = WeAnalysisPerformanceDataOperator(task_id="t", modules=["10022"], devices=["1", "2"])
    assert [(cell["module"], cell["device"]) for cell in task.entry.selections] == [("10022", "1"), ("10022", "2")]
    assert len(WeAnalysisPerformanceDataOperator(task_id="t").entry.selections) == 5


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"endpoint": "daily_visits"}, "There is no endpoint 'daily_visits'. Known, nearest first: daily_visit_trend"),
        ({"endpoint_options": {"modules": ["10022"]}}, "takes no endpoint_options"),
        ({"endpoint": "performance_data", "endpoint_options": {"modules": ["1"]}}, "cannot be asked for modules"),
        ({"endpoint": "user_portrait", "endpoint_options": {"window_days": 2}}, "over 1, 7 or 30 days"),
        ({"from_date": "2026-03-01"}, "go together"),
        ({"from_date": "2026-03-32", "to_date": "2026-03-31"}, "must be a day of the calendar, got '2026-03-32'"),
        ({"from_date": "2026-03-02", "to_date": "2026-03-01"}, "is after"),
        ({"from_date": dt.datetime(2026, 3, 1, tzinfo=dt.UTC), "to_date": "2026-03-01"}, "must not have a time of day"),
        ({"from_date": "tomorrow", "to_date": "tomorrow"}, "must be written YYYY-MM-DD"),
        ({"weanalysis_conn_id": []}, "must name at least one app"),
        ({"weanalysis_conn_id": 7}, "weanalysis_conn_id must be a text or a list of texts, got 7"),
        (
            {"endpoint": "weekly_retain", "from_date": "2026-03-01", "to_date": "2026-03-07"},
            "must be made of whole periods of the window 'week'; the nearest that is: 2026-02-23 to 2026-03-08",
        ),
    ],
)
def test_literals_are_refused_when_the_dag_is_parsed(kind, arguments, message):
    with pytest.raises(ConfigurationError, match=f"^Task 'a_{kind}': .*{message}"):
        make(kind, **arguments)


@pytest.mark.parametrize("kind", ["operator", "sensor"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weanalysis_conn_id": ["a", "b"], "appids": ["wx1"]}, "must be served by one connection"),
        ({"appids": ["wx1", ""]}, "appids must be a text or a list of texts, got ''"),
    ],
)
def test_apps_that_do_not_go_together_are_refused(kind, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        make(kind, **arguments)


@pytest.mark.parametrize("kind", ["operator", "transfer"])
@pytest.mark.parametrize("lookback", [-1, 10**9, "7", [0]])
def test_an_absurd_lookback_is_refused(kind, lookback):
    with pytest.raises(ConfigurationError, match="lookback must be"):
        make(kind, lookback=lookback)


@pytest.mark.parametrize("kind", ["sensor", "transfer"])
@pytest.mark.parametrize("delay", ["15:00", 15, dt.timedelta(hours=-1)])
def test_a_delay_that_is_none_is_refused(kind, delay):
    with pytest.raises(ConfigurationError, match="empty_is_ready_after must be"):
        make(kind, empty_is_ready_after=delay)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"destination_project_dataset_table": "d.t"}, "not of the form"),
        ({"destination_project_dataset_table": "p.d.{app}"}, "only"),
        ({"on_empty": "ignore"}, "on_empty must be one of fail, skip, replace, got 'ignore'"),
    ],
)
def test_a_transfer_s_own_literals_are_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        make("transfer", **arguments)


@pytest.mark.parametrize("kind", ALL)
def test_dates_of_today_are_not_refused_before_the_run(kind):
    """A DAG file that is an import error today and none tomorrow helps no one."""
    make(kind, from_date="2999-01-01", to_date=dt.date(2999, 1, 1))


@pytest.mark.parametrize("kind", ALL)
def test_templates_wait_for_the_run(kind):
    make(kind, from_date="{{ ds }}", to_date="{{ ds }}", weanalysis_conn_id="{{ params.app }}")


def test_a_templated_table_waits_for_the_run():
    make("transfer", destination_project_dataset_table="{{ var.value.weanalysis_dataset }}.{endpoint}")


def test_default_args_of_a_dag_reach_every_operator():
    with DAG("d", schedule=None, default_args={"weanalysis_conn_id": "shop", "lookback": 2}):
        tasks = [make("operator"), make("sensor"), make("transfer"), operators.WeAnalysisVisitPageOperator(task_id="p")]
    assert {task.weanalysis_conn_id for task in tasks} == {"shop"}
    assert [task.lookback for task in tasks if hasattr(task, "lookback")] == [2, 2, 2]


def test_default_args_reach_mapped_tasks():
    given = {"gcp_conn_id": None, "lookback": 2, "on_empty": "skip", "deferrable": True}
    with DAG("d", schedule=None, default_args=given) as dag:
        task = WeAnalysisToBigQueryOperator.partial(task_id="t", destination_project_dataset_table="p.d.{endpoint}")
        task.expand(endpoint=["visit_page"])
    task = dag.get_task("t").unmap({"endpoint": "visit_page"})
    assert {name: getattr(task, name) for name in given} == given


@pytest.mark.parametrize("kind", ALL)
def test_template_fields_are_attributes(kind):
    task = make(kind)
    assert {"weanalysis_conn_id", "from_date", "to_date"} <= set(task.template_fields)
    assert all(hasattr(task, name) for name in task.template_fields)


@pytest.mark.parametrize("kind", ALL)
def test_every_argument_is_documented(kind):
    for cls in ALL[kind].__mro__:
        if "weanalysis" in cls.__module__ and "__init__" in vars(cls):
            names = set(inspect.signature(vars(cls)["__init__"]).parameters) - {"self", "kwargs"}
            assert {name for name in names if f":param {name}:" not in (cls.__doc__ or "")} == set()


# --- rows -----------------------------------------------------------------------------------------


@pytest.fixture
def fetch(wechat_server, connect):
    """Run an operator for the interval that holds the latest period and some before it."""

    def run(cls, periods=1, **arguments):
        task = cls(task_id="t", **{"weanalysis_conn_id": connect(wechat_server), **arguments})
        first, last = latest(task.entry.name, back=periods - 1), latest(task.entry.name)
        return task.execute(run_context(first.closes_at.subtract(minutes=1), last.closes_at.add(minutes=1)))

    return run


def days(rows):
    """The first days of the rows' periods, each once, in the order of the rows."""
    return list(dict.fromkeys(row["begin_date"] for row in rows))


def firsts(endpoint, *back):
    return [str(latest(endpoint, number).begin_date) for number in back]


def test_the_rows_of_all_due_periods(fetch):
    rows = fetch(WeAnalysisWeeklyVisitTrendOperator, periods=2)
    assert [row["begin_date"] for row in rows] == firsts("weekly_visit_trend", 1, 0)
    assert {row["appid"] for row in rows} == {APPS[0]}
    assert all(row["visit_uv"] > 0 for row in rows)


def test_lookback_is_for_those_who_ask(fetch):
    assert days(fetch(WeAnalysisDailyRetainOperator)) == firsts("daily_retain", 0)
    assert days(fetch(WeAnalysisDailyRetainOperator, lookback=[2, 7])) == firsts("daily_retain", 7, 2, 0)


def test_a_portrait_has_no_earlier_period(fetch, wechat_server):
    assert days(fetch(WeAnalysisUserPortraitOperator, window_days=7, lookback=3)) == firsts("user_portrait_7d", 0)
    assert wechat_server.count("user_portrait_7d") == 1


def test_no_period_due_asks_nothing(fetch, wechat_server):
    with pytest.raises(AirflowSkipException, match="only for windows that end on"):
        fetch(WeAnalysisUserPortraitOperator, from_date="2026-03-01", to_date="2026-03-01")
    assert wechat_server.calls == []


@pytest.mark.parametrize(("code", "error"), [(48001, AirflowFailException), (61503, DataNotReadyError)])
def test_errors_end_the_task_for_good_or_for_now(fetch, wechat_server, code, error):
    wechat_server.faults.add(faults.errcode(code))
    with pytest.raises(error, match=str(code)):
        fetch(WeAnalysisDailyRetainOperator)


# --- many apps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("periods", [2, 31], ids=["few", "more than are asked for at once"])
def test_the_rows_of_many_connections_in_the_order_given(fetch, wechat_server, connect, periods):
    names = [connect(wechat_server, appid, f"app_{number}") for number, appid in enumerate(reversed(APPS))]
    rows = fetch(WeAnalysisDailySummaryOperator, periods=periods, weanalysis_conn_id=names)
    assert [(row["appid"], row["begin_date"]) for row in rows] == [
        (appid, day) for appid in reversed(APPS) for day in firsts("daily_summary", *reversed(range(periods)))
    ]


def test_the_rows_of_many_appids_that_one_connection_serves(fetch, wechat_server, connect, logged):
    connect(wechat_server, conn_id="central", auth="central")
    rows = fetch(WeAnalysisWeeklyVisitTrendOperator, weanalysis_conn_id="central", appids=APPS)
    assert [row["appid"] for row in rows] == list(APPS)
    day = firsts("weekly_visit_trend", 0)[0]
    assert f"weekly_visit_trend: fetched 2 rows of 1 periods, {day} to" in logged()


def test_requests_of_all_apps_overlap_within_their_bound(fetch, wechat_server, connect):
    """Five apps whose replies wait for each other: done only if their requests are in flight together."""
    together, most, under_way = threading.Barrier(5), [], []

    def meet(reply, question):
        under_way.append(question)
        most.append(len(under_way))
        together.wait(30)
        under_way.pop()
        return reply

    wechat_server.faults.add(faults.Fault("meet", meet), endpoint="weekly_visit_trend", times=None)
    names = [connect(wechat_server, APPS[0], f"app_{number}") for number in range(10)]
    arguments = {"weanalysis_conn_id": names, "max_requests_in_flight": 5}
    assert len(fetch(WeAnalysisWeeklyVisitTrendOperator, **arguments)) == 10
    assert max(most) == 5


def test_one_app_s_error_fails_the_task(fetch, wechat_server, connect):
    connect(wechat_server, conn_id="central", auth="central")
    wechat_server.faults.add(faults.errcode(48001), endpoint="weekly_visit_trend", appid=APPS[1])
    with pytest.raises(AirflowFailException, match=APPS[1]):
        fetch(WeAnalysisWeeklyVisitTrendOperator, weanalysis_conn_id="central", appids=APPS)


def test_an_empty_list_from_another_task_skips(fetch, wechat_server, connect):
    connect(wechat_server, conn_id="central", auth="central")
    task = WeAnalysisWeeklyVisitTrendOperator(task_id="t", appids="{{ ids }}")
    task.appids = []
    with pytest.raises(AirflowSkipException, match="the list of apps is empty"):
        task.execute(run_context(latest(task.endpoint).opens_at, latest(task.endpoint).closes_at))


@pytest.mark.parametrize("number", [0, 65, 1.5, True, "4", None])
def test_a_bound_that_cannot_work_is_refused(number):
    with pytest.raises(ConfigurationError, match="max_requests_in_flight must be a whole number from 1 to 64"):
        make("operator", max_requests_in_flight=number)


def test_killing_the_task_ends_its_requests(fetch, wechat_server, connect):
    """Airflow calls on_kill at SIGTERM, from the main thread, which waits for an answer."""
    task = WeAnalysisWeeklyVisitTrendOperator(task_id="t", weanalysis_conn_id=connect(wechat_server))
    asked = threading.Event()

    def hang(reply, question):
        asked.set()
        return dataclasses.replace(reply, delay=60)

    wechat_server.faults.add(faults.Fault("hang", hang), endpoint="weekly_visit_trend", times=None)
    killer = threading.Thread(target=lambda: (asked.wait(), task.on_kill()))
    killer.start()
    period = latest(task.endpoint)
    with pytest.raises(WeAnalysisError, match="cancelled"):
        task.execute(run_context(period.closes_at.subtract(minutes=1), period.closes_at.add(minutes=1)))
    killer.join()
