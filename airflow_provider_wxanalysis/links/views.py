"""A link from the views task to a new Looker Studio report.

.. seealso:: https://developers.google.com/looker-studio/integrate/linking-api
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator


class LookerStudioLink(BaseOperatorLink):
    """A new report in Looker Studio on the views that were made."""

    name = "New Looker Studio report"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the URL, or nothing for a task that made no views."""
        made = XCom.get_value(ti_key=ti_key, key="return_value")
        if not made or not made["views"]:
            return ""
        project, dataset = made["dataset"].rsplit(".", 1)
        view = "report_day" if "report_day" in made["views"] else made["views"][0]
        source = {"connector": "bigQuery", "type": "TABLE", "projectId": project, "datasetId": dataset, "tableId": view}
        parameters = {"r.reportName": f"WeChat {dataset}", **{f"ds.{name}": value for name, value in source.items()}}
        return f"https://lookerstudio.google.com/reporting/create?{urlencode(parameters)}"
