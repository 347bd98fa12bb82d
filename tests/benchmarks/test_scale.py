"""The page of what many apps come to says what its model computes, and quotes what was measured last."""

from __future__ import annotations

from tests.benchmarks.scale.__main__ import PAGE, rendered


def test_the_tables_are_the_model_s() -> None:
    text = PAGE.read_text()
    assert rendered(text) == text
