"""Table names: three parts, two places to fill in, and nothing that BigQuery refuses."""

from __future__ import annotations

import pytest

from airflow_provider_wxanalysis.bigquery.names import TableName, table_name
from airflow_provider_wxanalysis.exceptions import ConfigurationError


def read(text):
    return table_name(text, appid="wx1", endpoint="daily_retain")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("my-project.wechat.visits", ("my-project", "wechat", "visits")),
        ("p.d.{endpoint}", ("p", "d", "daily_retain")),
        ("p.d_{appid}.{endpoint}_{appid}", ("p", "d_wx1", "daily_retain_wx1")),
        ("example.com:p.d.t", ("example.com:p", "d", "t")),
        ("p.d.访问-趋势", ("p", "d", "访问-趋势")),
    ],
)
def test_names_that_work(text, parts):
    assert read(text) == TableName(*parts)


def test_a_name_reads_as_it_is_written():
    assert str(read("p.d.t")) == "p.d.t"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("d.t", "not of the form project.dataset.table"),
        ("t", "not of the form"),
        ("", "not of the form"),
        ("a.p.d.t", "no project named 'a.p'"),
        ("P.d.t", "no project named 'P'"),
        ("p.d-e.t", "no dataset named 'd-e'"),
        ("p.d.t$20260101", "no table named"),
        ("p.d.t`; DROP TABLE x", "no table named"),
        ("p.d.t*", "no table named"),
        ("p.d.", "no table named ''"),
        ("p..t", "no dataset named ''"),
        ("p.d.t\n", "no table named"),
        ("p.d.{app}", r"only \{appid\} and \{endpoint\}"),
        ("p.d.{appid", "only"),
        ("p.d.{{appid}}", "only"),
        ("p.d.{appid!r}", "only"),
    ],
)
def test_names_that_do_not(text, message):
    with pytest.raises(ConfigurationError, match=message):
        read(text)
