"""The shared conformance cases, which lie beside the project, on both kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.conformance import run_conformance
from engine.definitions import KERNELS

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "conformance"
SUITES = ("betsy", "token-simulation", "lib-bpmn-engine")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the conformance cases (../shared/conformance) are not there")


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_passes(kernel: str, suite: str) -> None:
    results = list(run_conformance([FOLDER / f"{suite}.json"], kernel=KERNELS[kernel]))
    assert results
    assert {result.case: result.note for result in results if not result.passed} == {}
