"""local-bigquery as the tests start it: ``python -P bigquery_server.py serve ...``, with the Python it is installed in.

It differs from the installed program in two points, which save 40 % of the CPU time of a long run. DuckDB has one
thread: with tables this small a second one takes CPU time and saves no wall time. And results of queries are dropped
after a while, as BigQuery drops them: each is a table here, and every query lists all tables several times.
"""

from __future__ import annotations

import threading
import time

from local_bigquery import cli
from local_bigquery.engine import database

RESULTS_STAY_SECONDS = 20


def drop_old_results() -> None:
    """Drop the results of queries, once they have been there for a while."""
    old: set[str] = set()
    while True:
        time.sleep(RESULTS_STAY_SECONDS)
        rows = database.fetch("SELECT table_name FROM duckdb_tables() WHERE schema_name = '_results'")
        present = {name for (name,) in rows}
        for name in old & present:
            database.execute(f"DROP TABLE IF EXISTS {database.quote('emulator', '_results', name)}")
        old = present - old


if __name__ == "__main__":
    database.connection().execute("SET threads = 1")
    threading.Thread(target=drop_old_results, daemon=True).start()
    cli.main()
