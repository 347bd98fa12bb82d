"""What Airflow is told of the page, and what the plugin costs every process that loads it."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from airflow_provider_wxanalysis.ui import plugin
from tests.support.servers import REPOSITORY


def declared():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return project["entry-points"]["airflow.plugins"]


def test_the_entry_point_leads_to_the_plugin():
    assert declared() == {"weanalysis": f"{plugin.__name__}:{plugin.WeAnalysisPlugin.__name__}"}


def test_airflow_takes_it():
    from airflow import plugins_manager

    assert plugins_manager.is_valid_plugin(plugin.WeAnalysisPlugin)  # type: ignore[attr-defined]
    apps = {app["destination"]: app for app in plugin.WeAnalysisPlugin.react_apps}
    assert apps.keys() == {"nav", "dag"}
    assert len({app["url_route"] for app in apps.values()}) == 2, "Airflow drops the second of two equal routes"
    assert {app["bundle_url"] for app in apps.values()} == {"/weanalysis/page.js"}
    assert [app["url_prefix"] for app in plugin.WeAnalysisPlugin.fastapi_apps] == ["/weanalysis"]


@pytest.mark.parametrize(
    ("base_url", "bundle"),
    [
        ("", "/weanalysis/page.js"),
        ("http://airflow.example", "/weanalysis/page.js"),
        ("https://data.example/airflow/", "/airflow/weanalysis/page.js"),
        ("https://data.example/a/b", "/a/b/weanalysis/page.js"),
    ],
)
def test_below_a_base_path(monkeypatch, base_url, bundle):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert plugin._app("nav", "weanalysis")["bundle_url"] == bundle


def test_loading_it_loads_nothing_else():
    """Workers and the scheduler load it too; FastAPI alone would cost each of them seconds."""
    code = f"""
import sys, time
import airflow
from airflow.providers.common.compat.sdk import AirflowPlugin, conf
before = set(sys.modules)
import {plugin.__name__}
print(*sorted(set(sys.modules) - before))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    package = "airflow_provider_wxanalysis"
    assert set(run.stdout.split()) <= {package, f"{package}.ui", f"{package}.ui.files", f"{package}.ui.plugin"}
