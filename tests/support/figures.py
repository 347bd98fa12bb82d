"""What long runs count, printed at their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """Note down what a long run counted, and print it."""
    counted: dict[str, int] = {}
    yield counted.update
    if any(request.node.get_closest_marker(name) for name in ("chaos", "live")):
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\n{request.node.name}: {counted}")
