"""DAG files on this version of Airflow: the examples parse, and a run loads what WeChat served."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pendulum
import pytest
from packaging.version import Version

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.periods import DAY, SHANGHAI
from tests.conftest import APPS, HOME
from tests.support.dags import dag_bag, run_dag_file
from tests.support.servers import REPOSITORY
from tests.transfers.test_round_trip import in_order, served

DAG_FILE = Path(__file__).parent / "dags" / "weanalysis_compat.py"
EXAMPLES = sorted((REPOSITORY / "example_dags").glob("*.py"))
#: Examples of what only later versions can do.
SINCE: dict[str, str] = {}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_parse(path):
    if Version(version("apache-airflow")) < Version(SINCE.get(path.stem, "0")):
        pytest.skip(f"needs Airflow {SINCE[path.stem]}")
    bag = dag_bag(path)
    assert bag.import_errors == {}
    assert bag.dags


def test_a_run(wechat_server, connect, dataset, read, monkeypatch):
    for appid, name in zip(APPS, ("shop", "magazine"), strict=True):
        connect(wechat_server, appid, f"weanalysis_{name}")
    monkeypatch.setenv("AIRFLOW_VAR_WEANALYSIS_DATASET", dataset)
    tonight = pendulum.now(SHANGHAI).at(23)
    states = run_dag_file(DAG_FILE, HOME / "dags", tonight)

    assert states == dict.fromkeys([("published", -1), ("load", 0), ("load", 1), ("fetch", -1)], "success")
    period = DAY.latest(tonight.subtract(days=1).date())
    endpoint = ENDPOINTS["daily_visit_trend"]
    expected = [row for appid in APPS for row in served(wechat_server, endpoint, appid, period)]
    assert {row["begin_date"] for row in expected} == {period.begin_date.isoformat()}
    assert read(f"{dataset}.daily_visit_trend") == in_order(expected)
