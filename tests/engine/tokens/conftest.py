"""Fixtures: drawn processes to play, each test with and without JSON between the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.model import Definition
from tests.engine.tokens.drawing import read
from tests.engine.tokens.player import Player

Play = Callable[..., Player]


@pytest.fixture(params=["memory", "json"])
def play(request: pytest.FixtureRequest) -> Iterator[Play]:
    """Start a drawn process; every test runs with and without JSON between the steps."""

    def begin(text: str | Definition, *, process: str = "p", at: str | None = None, **variables: Any) -> Player:
        return Player(text, variables, dump=request.param == "json", process=process, at=at)

    yield begin


@pytest.fixture(scope="session")
def drawing() -> Callable[[str], Definition]:
    """Read a drawing."""
    return read


@pytest.fixture(scope="session")
def player() -> type[Player]:
    """The player itself, for tests that start many instances."""
    return Player
