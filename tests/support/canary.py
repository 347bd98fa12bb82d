"""No secret is written anywhere: a pytest plugin that searches all that a test run writes.

Every secret of the WeChat server holds a mark. While tests run, every logger is at DEBUG, and the mark is looked for in
each log record with its exceptions, in what is printed, and in every value that goes into a database (XCom, rendered
fields, serialized DAGs, triggers, events). At the end the files of the run are searched, databases row by row.
"""

from __future__ import annotations

import logging
import os
import pickle
import sqlite3
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wxanalysis.testing import CANARY

#: Airflow keeps passwords in this table, encrypted where there is a key; our scratch Airflow has none.
_TABLE_OF_SECRETS = "connection"
#: ``dag.test()`` of Airflow 3 prints, at DEBUG, the very message that has a secret masked; real workers do not.
_AIRFLOW_S_OWN = "msg=MaskSecret("


class Leaks(logging.Handler):
    """What was found so far.

    :ivar searched: how many characters were looked at.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        self.found: list[str] = []
        self.searched = 0

    def look(self, where: str, text: str) -> None:
        """Note it down if ``text`` holds a secret; the note does not."""
        self.searched += len(text)
        if CANARY in text:
            lines = [line for line in text.splitlines() if CANARY in line and _AIRFLOW_S_OWN not in line]
            self.found += [f"{where}: {line.partition(CANARY)[0][-200:]!r}" for line in lines]

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a log record as it is printed."""
        self.look(f"log record of {record.name}", self.format(record))

    def take(self) -> list[str]:
        """Return what was found, and forget it."""
        found, self.found = self.found, []
        return found


LEAKS = Leaks()
#: What pytest-xdist's workers have found in their files.
LEFT_BY_WORKERS: list[str] = []


def pytest_configure() -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "before_cursor_execute", _before_cursor_execute)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Watch from inside, because Airflow sets up logging again when it likes."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(LEAKS)
    try:
        return (yield)
    finally:
        root.removeHandler(LEAKS)
        root.setLevel(level)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    for name, text in report.sections:
        LEAKS.look(name, text)
    if report.failed:
        LEAKS.look("failure", str(report.longrepr))
    if found := LEAKS.take():
        report.outcome = "failed"
        report.longrepr = "A secret was written.\n" + "\n".join(found)
    return report


@pytest.hookimpl(tryfirst=True)  # before the conftest throws the files away
def pytest_sessionfinish(session: pytest.Session) -> None:
    leaks = [*LEFT_BY_WORKERS, *search(Path(os.environ["AIRFLOW_HOME"]).parent)]
    if hasattr(session.config, "workeroutput"):  # pytest-xdist's workers pass it on to the process that prints
        session.config.workeroutput["leaks"] = leaks
    elif leaks:
        sys.stderr.write("\nA secret was written.\n" + "\n".join(leaks) + "\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    LEFT_BY_WORKERS.extend(getattr(node, "workeroutput", {}).get("leaks", []))


def pytest_unconfigure() -> None:
    logging.raiseExceptions = False  # at DEBUG, Airflow says good-bye to streams that pytest has closed


def _before_cursor_execute(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
    if f"INTO {_TABLE_OF_SECRETS} " not in statement:
        LEAKS.look(f"database, {statement[:60]!r}", repr(parameters))


def search(folder: Path) -> list[str]:
    """Return the files below ``folder`` that hold a secret, and the tables of its databases that do."""
    leaks = Leaks()
    for path in folder.rglob("*"):
        if path.suffix == ".db":
            _search_database(path, leaks)
        elif path.is_file():
            leaks.look(str(path), path.read_bytes().decode("latin-1"))
    return leaks.take()


def _search_database(path: Path, leaks: Leaks) -> None:
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if name != _TABLE_OF_SECRETS:
                for row in database.execute(f'SELECT * FROM "{name}"'):
                    leaks.look(f"{path}, table {name}", repr(row))


def shown(value: object) -> str:
    """Return all the ways in which an object may end up in a log, a task's result or another process."""
    texts = [repr(value), str(value)]
    if isinstance(value, BaseException):
        texts += [repr(vars(value)), repr(value.args), pickle.dumps(value).decode("latin-1")]
        texts += [shown(inner) for inner in (value.__cause__, value.__context__) if inner is not None]
    return "\n".join(texts)
