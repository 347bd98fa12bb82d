"""Links from a task instance to where its data comes from and where it went.

Light on purpose: importing the Google provider's own link classes costs a DAG file seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator


class BigQueryTableLink(BaseOperatorLink):
    """The table that was loaded, in Google's console."""

    name = "BigQuery table"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the URL, or nothing for a task that loaded no table."""
        summary = XCom.get_value(ti_key=ti_key, key="return_value")
        if not summary:
            return ""
        project, dataset, table = summary["table"].rsplit(".", 2)
        place = urlencode({"project": project, "p": project, "d": dataset, "t": table, "page": "table"})
        return f"https://console.cloud.google.com/bigquery?{place}"


class WeChatConsoleLink(BaseOperatorLink):
    """The console that shows the same figures to a person."""

    name = "WeChat console"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return the URL."""
        return "https://mp.weixin.qq.com/"
