"""Every operator shows what it takes: to people, to editors, and to type checkers."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import textwrap

import pytest

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.weanalysis import (
    WeAnalysisOperator,
    WeAnalysisPerformanceDataOperator,
    WeAnalysisUserPortraitOperator,
)
from tests.operators.test_weanalysis import ALL, subclasses
from tests.support.servers import REPOSITORY

COMMON = {"weanalysis_conn_id", "appids", "from_date", "to_date", "lookback", "max_requests_in_flight"}


@pytest.mark.parametrize("cls", [WeAnalysisOperator, *subclasses()])
def test_an_operator_s_signature_is_whole(cls):
    parameters = inspect.signature(cls).parameters
    assert set(parameters) > COMMON
    assert all(parameter.kind is not parameter.POSITIONAL_OR_KEYWORD for parameter in parameters.values())
    assert "Unpack[OperatorArguments]" in str(parameters["kwargs"]), "what Airflow's own operators take"


def test_options_of_an_endpoint_are_in_its_operator_s_signature():
    assert "window_days" in inspect.signature(WeAnalysisUserPortraitOperator).parameters
    options = {"modules", "network_types", "device_levels", "devices"}
    assert options < set(inspect.signature(WeAnalysisPerformanceDataOperator).parameters)


def test_every_endpoint_has_an_operator():
    names = [cls(task_id="t").entry.name for cls in subclasses()]
    portraits = [WeAnalysisUserPortraitOperator(task_id="t", window_days=days).entry.name for days in (7, 30)]
    assert sorted([*names, *portraits]) == sorted(ENDPOINTS)


@pytest.mark.parametrize("cls", subclasses())
def test_an_operator_of_one_endpoint_takes_no_other(cls):
    with pytest.raises(ConfigurationError, match=f"^Task 'shop': {cls.__name__} asks for {cls.endpoint} and"):
        cls(task_id="shop", endpoint="visit_page")
    with pytest.raises(ConfigurationError, match=f"^Task 'shop': {cls.__name__} asks for"):
        cls.partial(task_id="shop", endpoint="visit_page")


def test_the_general_operator_needs_an_endpoint():
    with pytest.raises(ConfigurationError, match="^Task 'shop': WeAnalysisOperator needs an endpoint, one of"):
        WeAnalysisOperator(task_id="shop")
    assert WeAnalysisOperator(task_id="t", endpoint="visit_page").entry.name == "visit_page"


@pytest.mark.parametrize("cls", [*ALL.values(), *subclasses()])
def test_template_fields_are_a_literal_of_the_class_or_its_base(cls):
    (owner,) = [base for base in cls.__mro__ if "template_fields" in vars(base)][:1]
    assert "template_fields: Sequence[str] = (" in inspect.getsource(owner)


def test_a_type_checker_knows_every_argument(tmp_path):
    path = tmp_path / "dag.py"
    path.write_text(
        textwrap.dedent(
            """
            import datetime as dt

            from airflow_provider_wxanalysis.operators import weanalysis as operators
            from airflow_provider_wxanalysis.sensors.weanalysis import WeAnalysisDataSensor
            from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

            day = dt.date(2026, 3, 1)
            """
        )
        + "".join(
            f"operators.{cls.__name__}(task_id='t', pool='p', retries=2, from_date=day, to_date=day, appids=['a'])\n"
            f"operators.{cls.__name__}(task_id='t', nonsense=1)  # wrong\n"
            for cls in subclasses()
        )
        + textwrap.dedent(
            """
            operators.WeAnalysisOperator(task_id="t", endpoint="visit_page", nonsense=1)  # wrong
            WeAnalysisDataSensor(task_id="t", endpoint="visit_page", from_date=day, to_date=day, timeout=60)
            WeAnalysisDataSensor(task_id="t", endpoint="visit_page", nonsense=1)  # wrong
            WeAnalysisToBigQueryOperator(
                task_id="t", endpoint="visit_page", destination_project_dataset_table="p.d.t", from_date=day
            )
            WeAnalysisToBigQueryOperator(  # wrong
                task_id="t", endpoint="visit_page", destination_project_dataset_table="p.d.t", nonsense=1
            )
            """
        )
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(REPOSITORY / "pyproject.toml"), str(path)]
    environment = {**os.environ, "MYPYPATH": str(REPOSITORY)}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=REPOSITORY)
    wrong = {number for number, line in enumerate(path.read_text().splitlines(), 1) if "# wrong" in line}
    found = {int(line.split(":")[1]) for line in run.stdout.splitlines() if "dag.py" in line and ": error:" in line}
    assert found == wrong, run.stdout
