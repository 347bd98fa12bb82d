"""The jobs of a load: where they run, and that the one under way ends with its task."""

from __future__ import annotations

import json
import threading

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wxanalysis.bigquery import chunks
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from tests.conftest import APPS, run_context
from tests.support.proxy import api_error
from tests.transfers.conftest import interval, latest

TODAY = latest("daily_summary")


def location(exchange):
    """Where a request wants its statement to run: a job says it in another place than a query."""
    return exchange.body.get("location") or exchange.body["jobReference"]["location"]


def test_every_statement_runs_where_the_table_is(proxy, load):
    load("daily_summary", TODAY)

    def elsewhere(exchange):
        if exchange.method != "GET" or "/tables/" not in exchange.path:
            return None
        proxy.forward(exchange)
        return exchange.status, {**json.loads(exchange.answer), "location": "asia-east2"}

    proxy.rules.append(elsewhere)
    proxy.exchanges.clear()
    context = run_context(TODAY.closes_at.subtract(minutes=1), TODAY.closes_at.add(minutes=1), try_number=2)
    load("daily_summary", TODAY, context=context, location="EU")
    statements = [exchange for exchange in proxy.exchanges if exchange.sql]
    assert {exchange.sql.split()[0] for exchange in statements} == {"SELECT", "MERGE"}
    assert {location(exchange) for exchange in statements} == {"asia-east2"}


def test_a_killed_task_cancels_the_job_that_runs(proxy, transfer):
    task = transfer("daily_summary")

    def kill_while_it_waits(exchange):
        if exchange.method == "GET" and "/queries/" in exchange.path:
            task.on_kill()

    proxy.rules.append(kill_while_it_waits)
    with pytest.raises(WeAnalysisError, match="cancelled"):
        task.execute(interval(TODAY))
    (merge,) = proxy.statements("MERGE")
    (cancelled,) = [exchange for exchange in proxy.exchanges if exchange.path.split("?")[0].endswith("/cancel")]
    assert f"/jobs/{merge.job_id}/cancel" in cancelled.path


def test_a_killed_task_asks_wechat_no_more(transfer, wechat_server):
    """The calls under way are ended, however long WeChat would take to answer them."""
    task = transfer("daily_summary")
    asked = threading.Event()
    wechat_server.latency = 1.0

    def kill(reply):
        if not asked.is_set():
            asked.set()
            threading.Thread(target=task.on_kill).start()
        return reply

    first = latest("daily_summary", back=200)
    for back in range(201):
        wechat_server.override("daily_summary", APPS[0], latest("daily_summary", back=back).begin_date, kill)
    with pytest.raises(WeAnalysisError, match="cancelled"):
        task.execute(interval(first, TODAY))
    assert wechat_server.count("daily_summary") < 100


def test_a_task_killed_before_its_first_job_cancels_nothing():
    task = WeAnalysisToBigQueryOperator(
        task_id="t", endpoint="daily_summary", destination_project_dataset_table="p.d.t", gcp_conn_id=None
    )
    task.on_kill()


def test_a_dataset_is_made_where_one_wants_it(proxy, load, project, bq):
    name = f"{project}.t_made_by_a_load"
    options = {"create_dataset": True, "location": "asia-east2"}
    try:
        load("daily_summary", TODAY, destination_project_dataset_table=f"{name}.t", **options)
    finally:
        bq.delete_dataset(name, delete_contents=True, not_found_ok=True)
    (made,) = [e for e in proxy.exchanges if e.method == "POST" and e.path.split("?")[0].endswith("/datasets")]
    assert made.body["location"] == "asia-east2"


class TestRefusedWrites:
    """BigQuery refuses a MERGE: the task fails, and what was written before stays."""

    DAYS = tuple(latest("daily_summary", back=number) for number in (2, 1, 0))

    @pytest.fixture(autouse=True)
    def a_statement_for_each_day(self, monkeypatch):
        monkeypatch.setattr(chunks, "MAX_SLICES", 1)

    @pytest.fixture
    def refuse(self, proxy):
        """Refuse the ``number``-th MERGE and all that follow."""

        def make(number):
            left = [number]

            def rule(exchange):
                if not exchange.sql.startswith("MERGE"):
                    return None
                left[0] -= 1
                return api_error(403, "accessDenied", "Access Denied: Table p:d.t") if left[0] <= 0 else None

            proxy.rules.append(rule)

        return make

    @pytest.mark.parametrize(("refused", "loaded"), [(1, 0), (2, 1), (3, 2)], ids=["first", "next", "last"])
    def test_the_task_fails_and_keeps_what_it_has_written(self, load, refuse, dataset, read, refused, loaded):
        refuse(refused)
        with pytest.raises(
            AirflowFailException, match="BigQuery said: Access Denied: Table p:d.t. Give .* roles/bigquery.dataEditor"
        ):
            load("daily_summary", self.DAYS[0], self.DAYS[-1])
        days = {row["begin_date"] for row in read(f"{dataset}.daily_summary")}
        assert len(days) == loaded, "in whichever order they came"
        assert days <= set(map(str, self.DAYS))

    def test_while_wechat_is_still_being_asked(self, load, refuse, wechat_server, proxy):
        """No further statement is sent after one was refused for good."""
        refuse(1)
        first = latest("daily_summary", back=19)
        with pytest.raises(AirflowFailException, match="Access Denied: Table p:d.t"):
            load("daily_summary", first, self.DAYS[-1])
        assert len(proxy.statements("MERGE")) == 1


def test_default_labels_name_dag_task_and_endpoint(proxy, load):
    load("daily_summary", TODAY, labels={"team": "growth", "airflow-task": "mine"})
    for exchange in (*proxy.statements("MERGE"), *proxy.statements("SELECT")):
        labels = exchange.body.get("labels") or exchange.body["configuration"]["labels"]
        expected = {"airflow-dag": "dag", "weanalysis_endpoint": "daily_summary", "team": "growth"}
        assert labels.items() >= {**expected, "airflow-task": "mine"}.items(), "a person's own labels win"
