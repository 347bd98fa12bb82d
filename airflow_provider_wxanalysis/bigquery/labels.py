"""Labels of jobs and tables, as BigQuery takes them. Pure.

.. seealso:: https://cloud.google.com/bigquery/docs/labels-intro#requirements
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_provider_wxanalysis.exceptions import ConfigurationError

#: Marks a table as holding one endpoint, and a job as loading it.
ENDPOINT_LABEL = "weanalysis_endpoint"
MAX_LENGTH = 63
MAX_BYTES = 128
#: To BigQuery, letters of scripts without case are lower case, too.
_KEY = re.compile(r"[^\W\d_][\w-]*")
_VALUE = re.compile(r"[\w-]*")
_REFUSED = re.compile(r"[^\w-]")
_OWN = re.compile(r"weanalysis_")


def label_value(text: str) -> str:
    """Return ``text`` as a label's value: in lower case, underscores for what is not allowed, not too long."""
    value = _REFUSED.sub("_", text.lower())[:MAX_LENGTH]
    return value.encode()[:MAX_BYTES].decode(errors="ignore")


def check_labels(labels: object) -> None:
    """Refuse labels that BigQuery does not take.

    :param labels: what a person gave; ``None`` for no labels.
    :raises ConfigurationError: names the first label that cannot work.
    """
    if labels is None:
        return
    if not isinstance(labels, Mapping):
        raise ConfigurationError(f"labels must be a mapping of texts to texts, got {labels!r}.")
    for key, value in labels.items():
        if not _fits(key, _KEY) or _OWN.match(key):
            raise ConfigurationError(
                f"labels: a key must be lower-case letters, digits, underscores and dashes, begin with a letter, be at "
                f"most {MAX_LENGTH} characters long and not begin with weanalysis_, got {key!r}."
            )
        if not _fits(value, _VALUE):
            raise ConfigurationError(
                f"labels[{key!r}] must be lower-case letters, digits, underscores and dashes, at most {MAX_LENGTH} "
                f"characters (templates are not rendered here), got {value!r}."
            )


def _fits(text: object, form: re.Pattern[str]) -> bool:
    return (
        isinstance(text, str)
        and form.fullmatch(text) is not None
        and text == text.lower()
        and len(text) <= MAX_LENGTH
        and len(text.encode()) <= MAX_BYTES
    )
