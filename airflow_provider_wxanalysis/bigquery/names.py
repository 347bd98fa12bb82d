"""The name of a BigQuery table, as a person writes it: ``project.dataset.table``, with places to fill in."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from airflow_provider_wxanalysis.exceptions import ConfigurationError

_PROJECT = re.compile(r"(?:[a-z0-9][a-z0-9.-]*:)?[a-z0-9][a-z0-9-]*")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_TABLE = re.compile(r"[\w-]{1,1024}")
_PLACES = re.compile(r"\{(appid|endpoint)\}")


class TableName(NamedTuple):
    """A table's three parts."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"


def table_name(text: str, *, appid: str, endpoint: str) -> TableName:
    """Read ``project.dataset.table``, with ``{appid}`` and ``{endpoint}`` filled in.

    :param text: what the person wrote, templates rendered.
    :param appid: stands for ``{appid}``.
    :param endpoint: stands for ``{endpoint}``.
    :raises ConfigurationError: if it is not of three parts, or has braces or characters that BigQuery refuses.
    """
    if not isinstance(text, str):
        raise ConfigurationError(f"The table must be a text of the form project.dataset.table, got {text!r}.")
    return _read(text, appid, endpoint)


def dataset_name(text: str) -> tuple[str, str]:
    """Read ``project.dataset``.

    :raises ConfigurationError: if it is not of two parts, or has characters that BigQuery refuses.
    """
    project, _, dataset = text.rpartition(".") if isinstance(text, str) else ("", "", "")
    if not _PROJECT.fullmatch(project) or not _DATASET.fullmatch(dataset):
        raise ConfigurationError(f"Dataset {text!r} must be of the form project.dataset.")
    return project, dataset


@functools.lru_cache(1024)  # DAG files are parsed every 30 seconds, and many of their tasks load one table
def _read(text: str, appid: str, endpoint: str) -> TableName:
    values = {"appid": appid, "endpoint": endpoint}
    filled = _PLACES.sub(lambda place: values[place[1]], text)
    if "{" in filled or "}" in filled:
        raise ConfigurationError(f"Table {text!r}: only {{appid}} and {{endpoint}} can stand in braces.")
    parts = filled.rsplit(".", 2)
    if len(parts) != 3:
        raise ConfigurationError(f"Table {text!r} is not of the form project.dataset.table.")
    for part, form, what in zip(parts, (_PROJECT, _DATASET, _TABLE), ("project", "dataset", "table"), strict=True):
        if not form.fullmatch(part):
            raise ConfigurationError(
                f"Table {text!r}: BigQuery takes no {what} named {part!r}. Write project.dataset.table, the project in "
                "lower case with dashes, dataset and table of letters, digits and underscores."
            )
    return TableName(*parts)
