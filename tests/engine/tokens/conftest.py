"""Fixtures: drawn processes to play, each test with and without JSON between the steps, and on the second kernel.

A test that asks for what only the token kernel has (its own errors, its document) is marked `first_kernel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.model import Definition
from engine.spiff import SpiffKernel
from tests.engine.tokens.drawing import read
from tests.engine.tokens.player import TOKENS, Player

SECOND = SpiffKernel()
Play = Callable[..., Player]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """How the tests that play are run."""
    if "play" in metafunc.fixturenames:
        own = metafunc.definition.get_closest_marker("first_kernel") is not None
        metafunc.parametrize("play", ["memory", "json"] if own else ["memory", "json", "second"], indirect=True)


@pytest.fixture
def play(request: pytest.FixtureRequest) -> Iterator[Play]:
    """Start a drawn process: on the token kernel with or without JSON between the steps, or on the second kernel."""
    kernel = SECOND if request.param == "second" else TOKENS

    def begin(text: str | Definition, *, process: str = "p", at: str | None = None, **variables: Any) -> Player:
        return Player(text, variables, dump=request.param != "memory", process=process, at=at, kernel=kernel)

    yield begin


@pytest.fixture(scope="session")
def drawing() -> Callable[[str], Definition]:
    """Read a drawing."""
    return read


@pytest.fixture(scope="session")
def player() -> type[Player]:
    """The player itself, for tests that start many instances."""
    return Player
