"""What the engine's tests share: diagrams by name, deployed on an engine with recording handlers, on either kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.definitions import deploy
from engine.handlers import Call
from engine.instances import start_instance
from engine.work import ProcessEngine
from tests.engine.store_rows import CUTOFF

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


@pytest.fixture
def calls() -> list[Call]:
    """Every handler call of the test, in order."""
    return []


@pytest.fixture
def audit(process_engine: ProcessEngine, deploy_diagram: Deploy, calls: list[Call]) -> str:
    """A running instance of the audit diagram, at 填写申报材料."""

    def record(call: Call) -> dict[str, Any]:
        calls.append(call)
        return {"result": call.form["result"]} if call.event == "complete" else {}

    for name in ("audits.announce", "audits.record", "cases.register"):
        process_engine.handlers.register(name, record)
    definition = deploy_diagram(process_engine, "audit")
    with process_engine.begin(by="anna") as work:
        return start_instance(
            work, definition, "case-1", {"institution": "i1", "body": "b1", "cutoff": CUTOFF.isoformat(), "result": None}
        )
