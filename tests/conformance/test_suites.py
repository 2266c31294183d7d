"""The shared conformance cases, which lie beside the project, on the token kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.conformance import SUITES, run_conformance
from engine.tokens import TokenKernel

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "conformance"
NOT_BY_THE_STANDARD = {"tokensim/compensation-error#1"}
"""It wants two tokens to complete one error end event, though the first ends the scope that the second is in."""

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the conformance cases (../shared/conformance) are not there")


@pytest.mark.parametrize("dump", [False, True], ids=["memory", "json"])
@pytest.mark.parametrize("suite", SUITES)
def test_the_token_kernel_passes(suite: str, dump: bool) -> None:
    results = run_conformance(FOLDER, kernel=TokenKernel(), suite=suite, dump=dump)
    assert results
    wrong = {result.case: result.note for result in results if not result.passed}
    assert wrong.keys() <= NOT_BY_THE_STANDARD, wrong
