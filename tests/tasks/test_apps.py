"""Which apps a task asks for."""

from __future__ import annotations

import pytest

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.tasks.apps import app_refs


@pytest.mark.parametrize(
    ("conn_id", "appids", "refs"),
    [
        ("shop", None, [AppRef("shop")]),
        (["shop", "press", "shop"], None, [AppRef("shop"), AppRef("press")]),
        (("shop",), None, [AppRef("shop")]),
        ("central", ["wx1", " wx2\n", "wx1"], [AppRef("central", "wx1"), AppRef("central", "wx2")]),
        (["central"], "wx1", [AppRef("central", "wx1")]),
        ([], None, []),
        ("central", [], []),
    ],
)
def test_apps_by_connection_or_by_appid(conn_id, appids, refs):
    assert app_refs(conn_id, appids) == refs


@pytest.mark.parametrize(
    ("conn_id", "appids", "message"),
    [
        (None, None, "weanalysis_conn_id must be a text or a list of texts, got None"),
        ({"shop": 1}, None, "weanalysis_conn_id must be"),
        (b"shop", None, "weanalysis_conn_id must be"),
        (["shop", None], None, "weanalysis_conn_id must be a text or a list of texts, got None"),
        (" ", None, "got ' '"),
        ("central", "['wx1', 'wx2']", "render_template_as_native_obj=True"),
        ("central", [7], "appids must be a text or a list of texts, got 7"),
        (["a", "b"], ["wx1"], "must be served by one connection"),
        ([], ["wx1"], "must be served by one connection"),
    ],
)
def test_what_cannot_be_read_is_refused(conn_id, appids, message):
    with pytest.raises(ConfigurationError, match=message):
        app_refs(conn_id, appids)
