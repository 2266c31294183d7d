"""The shared conformance cases, which lie beside the project, on both kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.conformance import run_conformance
from engine.definitions import KERNELS

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "conformance"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the conformance cases (../shared/conformance) are not there")


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("suite", ["betsy", "token-simulation", "lib-bpmn-engine"])
def test_every_case_is_passed(suite: str, kernel: str) -> None:
    results = list(run_conformance([FOLDER / f"{suite}.json"], kernel=KERNELS[kernel]))
    assert results
    assert {result.case: (result.result, result.note) for result in results if not result.passed} == {}
