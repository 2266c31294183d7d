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
def test_the_token_kernel_passes(suite: str) -> None:
    results = list(run_conformance([FOLDER / f"{suite}.json"], kernel=KERNELS["tokens"]))
    assert results
    assert {result.case: result.note for result in results if not result.passed} == {}


@pytest.mark.parametrize("suite", SUITES)
def test_the_second_kernel_names_what_it_does_not_run(suite: str) -> None:
    results = list(run_conformance([FOLDER / f"{suite}.json"], kernel=KERNELS["spiff"]))
    assert results
    assert {result.case: result.note for result in results if result.result == "wrong"} == {}
