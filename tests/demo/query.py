"""Run a SQL statement against the BigQuery of ``make play`` and print its rows: ``python -m tests.demo.query SQL``."""

from __future__ import annotations

import os
import sys

from tests.demo.report import Warehouse
from tests.demo.stage import DATASET


def main() -> int:
    """Print the rows of the statement in the arguments."""
    for row in Warehouse(os.environ["BIGQUERY_EMULATOR_HOST"], DATASET).query(" ".join(sys.argv[1:])):
        print("  ".join(f"{name}={value}" for name, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
