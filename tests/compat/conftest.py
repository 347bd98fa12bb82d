"""What the short suite's modules share."""

from __future__ import annotations

from pathlib import Path

import pytest

#: Airflow and what it is made of warn about each other; only what this package does is our business here.
WARNINGS = ("ignore", "error:::airflow_provider_wxanalysis")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            for rule in WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(rule))
