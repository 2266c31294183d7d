"""What tests of benchmarks share."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True)
def leave_the_heap_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark clears the heap before each of its turns: a second each time in a process that has run thousands of tests."""
    monkeypatch.setattr(gc, "collect", int)
