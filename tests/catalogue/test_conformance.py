"""What every entry of the catalogue must have; one that lacks a part fails here. Its round trip is in transfers/."""

from __future__ import annotations

import re

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS, PORTRAITS
from airflow_provider_wxanalysis.testing.rules import PATHS
from airflow_provider_wxanalysis.wechat import records
from tests.operators.test_weanalysis import subclasses
from tests.support import docs
from tests.support.samples import period, sample

pytestmark = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)


def operators():
    """Every operator with the options that choose an entry."""
    for cls in subclasses():
        for options in [{"window_days": days} for days in PORTRAITS] if "Portrait" in cls.__name__ else [{}]:
            yield cls, cls(task_id="t", **options).entry.name


def test_one_operator_that_names_the_official_page(endpoint):
    (cls,) = [cls for cls, name in operators() if name == endpoint.name]
    assert endpoint.docs in cls.__doc__


def test_an_official_sample_that_it_reads_without_questions(endpoint):
    report = records.read(endpoint, "wx1", period(endpoint.name), sample(endpoint.name), endpoint.selections[0])
    assert report.rows
    assert (report.unknown, report.duplicates) == (frozenset(), 0)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_row_and_its_columns_in_the_docs(endpoint, language):
    text = "\n".join([*docs.endpoints(language), *docs.columns(language)])
    assert len(re.findall(rf"^\| \[`{endpoint.name}`\]\({re.escape(endpoint.docs)}\) ", text, re.MULTILINE)) == 1
    assert all(f"| `{column.name}` | {column.type}" in text for column in endpoint.table_columns)


def test_a_place_in_the_local_wechat(endpoint):
    assert endpoint.name in PATHS[endpoint.path]
