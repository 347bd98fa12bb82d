"""A test file is typed from end to end, or not at all: half an annotated file looks checked and is not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.servers import REPOSITORY

FILES = sorted((REPOSITORY / "tests").rglob("*.py"))


def typed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool | None:
    """Whether a function has all its annotations (True) or none (False); ``None`` if it has some."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    given += [argument for argument in (function.args.vararg, function.args.kwarg) if argument]
    found = {argument.annotation is not None for argument in given if argument.arg not in ("self", "cls")}
    found.add(function.returns is not None)
    return found.pop() if len(found) == 1 else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_all_or_none(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    kinds = {typed(function) for function in functions}
    assert len(kinds) <= 1
    assert None not in kinds, [function.name for function in functions if typed(function) is None]
