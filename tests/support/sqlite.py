"""SQLite for several processes: a transaction that may write takes its turn when it begins.

Python begins a transaction at a savepoint without asking for the right to write. If another process writes before its
first INSERT does, SQLite refuses that at once as "database is locked", whatever the timeout; Airflow's backfill, which
looks before it writes, loses now and then.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Self


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        if sql.startswith("SAVEPOINT") and not self.connection.in_transaction:
            super().execute("BEGIN IMMEDIATE")
        return super().execute(sql, parameters)


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


#: For ``[database] sql_alchemy_connect_args``.
CONNECT_ARGS = {"factory": _Connection, "timeout": 60}
