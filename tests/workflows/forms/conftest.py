"""A form with a field of each kind, and uploads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workflows.forms import Form

SAMPLE = Path(__file__).with_name("sample.form")


@dataclass(frozen=True)
class Stored:
    """An upload as the files room keeps it."""

    id: str
    field: str
    name: str
    sha256: str = "0" * 64


@pytest.fixture
def form() -> Form:
    """The sample form."""
    return Form.load(SAMPLE.read_bytes(), name="sample")


@pytest.fixture
def filled() -> dict[str, Any]:
    """What fills the sample form without a fault."""
    return {"title": "题目", "fields": ["x"], "promise": True, "count": 3}


@pytest.fixture
def stored() -> type[Stored]:
    """Makes uploads."""
    return Stored
