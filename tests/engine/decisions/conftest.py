"""What the tests of decisions share."""

from __future__ import annotations

import pytest

from engine.texts import Catalogue


@pytest.fixture(scope="session")
def words() -> Catalogue:
    """The texts of the engine."""
    return Catalogue("engine")
