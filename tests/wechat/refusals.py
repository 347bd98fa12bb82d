"""Replies that an account with API security refuses, as faults of the server, and why."""

from __future__ import annotations

from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.wechat.security import MAX_SKEW

REFUSED = {
    "unsigned": (faults.unsigned(), "it is not signed"),
    "tampered": (faults.tampered(), "its signature is wrong"),
    "replayed": (faults.replayed(), "it is one that came before"),
    "stale": (faults.stale(MAX_SKEW + 10), "behind this worker's clock"),
    "early": (faults.stale(-MAX_SKEW - 10), "ahead of this worker's clock"),
}
