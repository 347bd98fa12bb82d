"""What Airflow discovers, against Airflow's own rules and this package's own metadata."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from importlib.resources import files

import jsonschema
import pytest

from airflow_provider_wxanalysis import __version__
from airflow_provider_wxanalysis.get_provider_info import CONN_FIELDS, get_provider_info
from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook
from airflow_provider_wxanalysis.operators.views import WeAnalysisViewsOperator
from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator
from airflow_provider_wxanalysis.wechat.keys import NAMES
from airflow_provider_wxanalysis.wechat.settings import AUTH_NEEDS, Settings
from tests.support.servers import REPOSITORY

INFO = get_provider_info()
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def test_valid_for_airflow():
    schema = json.loads((files("airflow") / "provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


def test_the_package_name_is_the_canonical_one():
    """With another one Airflow 3.2 and later does not even start."""
    assert INFO["package-name"] == PROJECT["name"] == "airflow-provider-wxanalysis"


def test_one_version():
    assert INFO["versions"] == [__version__]
    assert version("airflow-provider-wxanalysis") == __version__


def test_the_entry_point_leads_here():
    (entry_point,) = (e for e in entry_points(group="apache_airflow_provider") if "wxanalysis" in e.value)
    assert entry_point.load() is get_provider_info


def test_everything_named_exists():
    kinds = ("hooks", "operators", "sensors", "triggers")
    modules = [module for kind in kinds for module in INFO[kind][0]["python-modules"]]
    modules += [transfer["python-module"] for transfer in INFO["transfers"]]
    for module in modules:
        importlib.import_module(module)
    operators = (WeAnalysisToBigQueryOperator, WeAnalysisViewsOperator)
    links = [type(link) for operator in operators for link in operator.operator_extra_links]
    assert INFO["extra-links"] == [f"{link.__module__}.{link.__name__}" for link in links]
    (connection,) = INFO["connection-types"]
    module, name = connection["hook-class-name"].rsplit(".", 1)
    assert getattr(importlib.import_module(module), name) is WeAnalysisHook
    assert (connection["connection-type"], connection["hook-name"]) == (
        WeAnalysisHook.conn_type,
        WeAnalysisHook.hook_name,
    )


def test_discovery_needs_nothing_but_the_standard_library():
    """Airflow imports it while it is itself half imported; a mistake here takes the whole deployment down."""
    code = """
import sys
before = set(sys.modules)
from airflow_provider_wxanalysis.get_provider_info import get_provider_info
get_provider_info()
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(new - set(sys.stdlib_module_names) - {"airflow_provider_wxanalysis"}))
"""
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_the_form_has_what_a_connection_may_say():
    fields = set(Settings.__dataclass_fields__) - {"appid", "secret", "base_url", "keys"}
    assert set(CONN_FIELDS) == fields | set(NAMES)
    assert CONN_FIELDS["auth"]["schema"]["enum"] == list(AUTH_NEEDS)


def test_the_hook_s_form_is_the_metadata_s():
    """Airflow before 3.2 asks the hook, later ones read the metadata."""
    (connection,) = INFO["connection-types"]
    form = connection["ui-field-behaviour"]
    assert WeAnalysisHook.get_ui_field_behaviour() == {
        "hidden_fields": form["hidden-fields"],
        "relabeling": form["relabeling"],
        "placeholders": form["placeholders"],
    }


def test_the_type_is_found_by_its_chinese_names():
    assert all(word in WeAnalysisHook.hook_name for word in ("WeChat", "微信", "小程序"))


def test_the_form_shows_the_port():
    """Or the Test button could not be used of Airflow 3.3.1 and 3.3.2."""
    (connection,) = INFO["connection-types"]
    assert "port" not in connection["ui-field-behaviour"]["hidden-fields"]


@pytest.mark.parametrize("name", CONN_FIELDS)
def test_secrets_and_only_secrets_are_masked_in_the_form(name):
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    secret = CONN_FIELDS[name]["schema"].get("format") == "password"
    assert should_hide_value_for_key(name) == secret


def test_airflow_lists_the_provider():
    run = subprocess.run(
        [sys.executable, "-m", "airflow", "providers", "get", INFO["package-name"], "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert '"Version": "' + __version__ in run.stdout
    assert "warning" not in run.stderr.lower()
