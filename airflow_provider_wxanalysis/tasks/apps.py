"""Which mini programs a task asks for: one connection each, or many AppIDs behind one connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.hooks.sharing import AppRef

#: How the text of a list or tuple begins; ``[[`` and the like do not match, since a DAG may use them for templates.
_PRINTED = re.compile(r"\s*[\[(]\s*['\"\d\])]")


def app_refs(weanalysis_conn_id: Any, appids: Any) -> list[AppRef]:
    """Return the apps that two arguments name, each once, in the order given.

    :param weanalysis_conn_id: a connection id, or a list of them.
    :param appids: AppIDs that the one connection serves, a single one, or ``None``.
    :return: the apps; empty if another task returned an empty list.
    :raises ConfigurationError: if the two cannot be read, or do not go together.
    """
    conn_ids = _texts("weanalysis_conn_id", weanalysis_conn_id)
    if appids is None:
        return [AppRef(conn_id) for conn_id in conn_ids]
    names = _texts("appids", appids)
    if len(conn_ids) != 1:
        raise ConfigurationError(
            f"appids={names!r} must be served by one connection, got weanalysis_conn_id={conn_ids!r}. Give either a "
            "connection for each app, or one connection with auth=central and the appids."
        )
    return [AppRef(conn_ids[0], appid) for appid in names]


def _texts(name: str, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Sequence) or isinstance(values, (bytes, bytearray)):
        raise ConfigurationError(f"{name} must be a text or a list of texts, got {value!r}.")
    for each in values:
        if not isinstance(each, str) or not each.strip() or _PRINTED.match(each):
            raise ConfigurationError(
                f"{name} must be a text or a list of texts, got {each!r}. A template gives a list only in a DAG with "
                "render_template_as_native_obj=True."
            )
    return list(dict.fromkeys(each.strip() for each in values))
