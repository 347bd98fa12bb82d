"""Labels: what BigQuery takes is passed, what it does not take is refused before anything runs."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import BadRequest

from airflow_provider_wxanalysis.bigquery.labels import check_labels, label_value
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from tests.bigquery.conftest import views
from tests.support.proxy import api_error


@pytest.mark.parametrize(
    "labels", [None, {}, {"team": "growth"}, {"团队": "增长_1"}, {"a" * 63: "b" * 63}, {"empty": ""}]
)
def test_labels_that_work(labels):
    check_labels(labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("team", "labels must be a mapping of texts to texts, got 'team'"),
        ({"team": "Data Eng"}, r"labels\['team'\] must be lower-case .*, got 'Data Eng'"),
        ({"team": None}, r"labels\['team'\] must be .*, got None"),
        ({"team": "{{ ds }}"}, r"templates are not rendered here\), got '\{\{ ds \}\}'"),
        ({"team": "b" * 64}, r"labels\['team'\] must be"),
        ({"team": "增" * 43}, r"labels\['team'\] must be"),  # 129 bytes
        ({"Team": "x"}, "a key must be lower-case letters, .*, got 'Team'"),
        ({"1st": "x"}, "a key must be .*, got '1st'"),
        ({"": "x"}, "a key must be .*, got ''"),
        ({7: "x"}, "a key must be .*, got 7"),
        ({"weanalysis_attempt": "x"}, "not begin with weanalysis_, got 'weanalysis_attempt'"),
    ],
)
def test_labels_that_do_not(labels, message):
    with pytest.raises(ConfigurationError, match=message):
        check_labels(labels)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("daily_load", "daily_load"),
        ("Group.Load-1", "group_load-1"),
        ("访问 数据", "访问_数据"),
        ("x" * 100, "x" * 63),
        ("访" * 100, "访" * 42),  # 126 bytes
    ],
)
def test_any_text_becomes_a_value(text, value):
    assert label_value(text) == value
    check_labels({"key": value})


def test_jobs_run_where_the_dataset_is_and_carry_labels(proxy, writer):
    destination = writer("run", task_id="Load 访问.pages")
    proxy.rules.append(lambda e: api_error(400, "stop", "seen enough") if e.sql.startswith("MERGE") else None)
    with pytest.raises(BadRequest):
        destination.replace(views(10))
    (merge,) = proxy.statements("MERGE")
    assert merge.body["jobReference"]["location"] == "US"
    labels = merge.body["configuration"]["labels"]
    assert len(labels.pop("weanalysis_attempt")) == 16
    assert labels.pop("airflow-dag") == destination.identity.dag_id.lower().replace(".", "_")
    assert labels == {"airflow-task": "load_访问_pages", "weanalysis_endpoint": "visit_page", "weanalysis_try": "1"}
