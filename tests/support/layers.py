"""The architecture as the files show it: ``python -m tests.support.layers`` prints rooms, floors, arrows and circles.

A room is a folder of the package, or a module at its top. An arrow is an import between files; imports that only type
checkers read count as well.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.servers import REPOSITORY

PACKAGE = REPOSITORY / "airflow_provider_wxanalysis"

Graph = Mapping[str, frozenset[str]]


def sources() -> dict[str, Path]:
    """Return module -> file, the modules by their names within the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in paths}


def room(module: str) -> str:
    """Return the room that a module is in."""
    return module.partition(".")[0]


def arrows() -> Graph:
    """Return module -> the modules of the package that it imports."""
    modules = sources()
    return {name: frozenset(_imported(path, modules)) - {name} for name, path in modules.items()}


def _imported(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE.name:
            within = (node.module or "").partition(".")[2]
            for alias in node.names:
                yield next(name for name in _candidates(within, alias.name) if name in modules)


def _candidates(within: str, name: str) -> list[str]:
    """Return the modules that ``from package.within import name`` may mean, the likeliest first."""
    inner = f"{within}." if within else ""
    return [f"{inner}{name}", f"{inner}{name}.__init__", within, f"{inner}__init__"]


def between_rooms(graph: Graph) -> Graph:
    """Return room -> the rooms that it imports from."""
    rooms = {room(name) for name in graph} - {"__init__"}
    found: dict[str, set[str]] = {name: set() for name in sorted(rooms)}
    for name, targets in graph.items():
        if room(name) in rooms:
            found[room(name)] |= {room(target) for target in targets} & rooms - {room(name)}
    return {name: frozenset(targets) for name, targets in found.items()}


def circles(graph: Graph) -> list[list[str]]:
    """Return the groups of modules, or of rooms, that all import one another, directly or not."""
    reached = {name: _reach(graph, name) for name in graph}
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in graph
        if name in reached[name]
    }
    return [list(group) for group in sorted(groups)]


def _reach(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for target in graph[waiting.pop()] - found:
            found.add(target)
            waiting.append(target)
    return found


def floors(graph: Graph) -> list[list[str]]:
    """Return the rooms by height, the ground floor first: each stands on the highest one that it imports from."""
    heights: dict[str, int] = {}

    def height(name: str) -> int:
        if name not in heights:
            heights[name] = max((height(target) + 1 for target in graph[name]), default=0)
        return heights[name]

    highest = max(map(height, graph), default=-1)
    return [[name for name in graph if heights[name] == level] for level in range(highest + 1)]


def longest_functions() -> list[tuple[int, str]]:
    """Return the lengths of all functions, and where they are, the longest first.

    Neither docstrings count nor the lines of constructors that store an argument as it is: those grow with what Airflow
    lets one configure, and there is nothing in them to read.
    """
    found = []
    for name, path in sources().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documentation = node.body[0] if ast.get_docstring(node) else None
                lines = (node.end_lineno or 0) - node.lineno + 1
                if documentation:
                    lines -= (documentation.end_lineno or 0) - documentation.lineno + 1
                found.append((lines - sum(map(_stores, node.body)), f"{name}.{node.name}"))
    return sorted(found, reverse=True)


def _stores(statement: ast.stmt) -> bool:
    """Whether it is ``self.name = name``."""
    match statement:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name("self"), attr=name)], value=ast.Name(id=given)):
            return name == given
    return False


def report() -> Iterator[str]:
    """Yield the figures and the floors, the top floor first."""
    graph = arrows()
    rooms = between_rooms(graph)
    lengths = sorted(len(path.read_text().splitlines()) for path in sources().values())
    middle = statistics.median(lengths)
    yield f"files    {len(lengths)} with {sum(lengths):,} lines: median {middle:g}, longest {lengths[-1]}"
    yield f"rooms    {len(rooms)}"
    yield f"arrows   {sum(map(len, rooms.values()))} between rooms, {sum(map(len, graph.values()))} between files"
    for kind, found in (("rooms", circles(rooms)), ("files", circles(graph))):
        yield f"circles  {len(found)} between {kind}" + "".join(f"\n         {' ⇄ '.join(group)}" for group in found)
    if circles(rooms):
        return
    yield ""
    for level, names in reversed(list(enumerate(floors(rooms)))):
        for name in names:
            yield f"{level:>2}  {name:18} → {', '.join(sorted(rooms[name]))}".rstrip(" →")


if __name__ == "__main__":
    print("\n".join(report()))
