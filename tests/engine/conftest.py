"""What the engine's tests share: diagrams by name, deployed on an engine with recording handlers, on either kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.definitions import deploy
from engine.work import ProcessEngine

DIAGRAMS = Path(__file__).parent / "diagrams"

Deploy = Callable[..., str]


@pytest.fixture(params=["tokens", "spiff"])
def kernel(request: pytest.FixtureRequest) -> str:
    """The kernel that executes: each test runs on both."""
    return str(request.param)


@pytest.fixture
def deploy_diagram(kernel: str) -> Deploy:
    """Deploy `diagrams/<name>.bpmn` on an engine; the definition's id."""

    def run(process_engine: ProcessEngine, name: str) -> str:
        with process_engine.begin() as work:
            deployed = deploy(work, {f"{name}.bpmn": (DIAGRAMS / f"{name}.bpmn").read_bytes()}, name=name, kernel=kernel)
        return deployed.definitions[f"{name}_process"]

    return run
