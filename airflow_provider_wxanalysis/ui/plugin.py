"""The page "WeChat data" in Airflow's UI, from 3.1 on.

Airflow loads plugins in every process, workers and scheduler included: this module has to import next to nothing. The
page is plain JavaScript in ``static/``, loaded by Airflow's own React application. It reads Airflow's REST API as the
user who looks at it, so that it never shows anyone more than Airflow does.

.. seealso:: https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/plugins.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import AirflowPlugin, conf

from airflow_provider_wxanalysis.ui.files import serve

NAME = "WeChat data"
PREFIX = "/weanalysis"


def _app(destination: str, url_route: str) -> dict[str, Any]:
    # With the path of base_url, since Airflow 3.1 and 3.2 take a relative address as relative to their own script.
    base = urlsplit(conf.get("api", "base_url", fallback="/") or "/").path.rstrip("/")
    return {
        "name": NAME,
        "bundle_url": f"{base}{PREFIX}/page.js",
        "icon": f"{base}{PREFIX}/icon.svg",
        "destination": destination,
        "url_route": url_route,
    }


class WeAnalysisPlugin(AirflowPlugin):
    """A page in the navigation and a tab of every DAG; nothing where Airflow has no such pages."""

    name = "weanalysis"
    if hasattr(AirflowPlugin, "react_apps"):
        fastapi_apps = [{"app": serve, "url_prefix": PREFIX, "name": NAME}]
        react_apps = [_app("nav", "weanalysis"), _app("dag", "weanalysis-dag")]
