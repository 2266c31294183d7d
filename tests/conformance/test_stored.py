"""The shared conformance cases on the whole engine: what is true of the kernel is true of its rows, timers and messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.conformance.cases import JUDGES
from engine.database import open_database
from engine.tables import metadata
from engine.tokens import TokenKernel
from engine.work import ProcessEngine
from tests.conformance.stored import StoredWorld, make_engine

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "conformance"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the conformance cases (../shared/conformance) are not there")


@pytest.fixture(scope="module")
def process_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessEngine]:
    """One engine for all cases; each begins with empty tables."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('stored') / 'cases.sqlite3'}")
    metadata.create_all(database)
    process_engine = make_engine(database)
    yield process_engine
    process_engine.extras["scripts"].close()
    database.dispose()


@pytest.mark.parametrize("suite", ["betsy", "token-simulation", "lib-bpmn-engine"])
def test_cases_come_out_the_same_with_rows(suite: str, process_engine: ProcessEngine) -> None:
    world = StoredWorld(FOLDER, TokenKernel(), waiting=False, process_engine=process_engine)
    wrong: dict[str, Any] = {}
    for case in json.loads((FOLDER / f"{suite}.json").read_text("utf-8")):
        verdict = next(judge for field, judge in JUDGES.items() if field in case)(case, world)
        if not verdict.passed:
            wrong[case["id"]] = (verdict.expected, verdict.got, verdict.note)
    assert wrong == {}
