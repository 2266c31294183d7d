"""Sets of candidates: stored once, and remembered as stored only when that has been committed."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from engine import mirror
from engine.definitions import deploy
from engine.instances import start_instance
from engine.tables import candidate_set
from engine.work import ProcessEngine
from tests.engine.tokens.drawing import draw

STEP = """
start s
user a camunda:candidateGroups=auditor@${body},chief
s -> a
"""


def deploy_step(process_engine: ProcessEngine) -> str:
    with process_engine.begin() as work:
        return deploy(work, {"p.bpmn": draw(STEP)}, name="p").definitions["p"]


def members(process_engine: ProcessEngine) -> list[tuple[str, str]]:
    with process_engine.read() as work:
        query = sa.select(candidate_set.c.kind, candidate_set.c.candidate)
        return sorted(tuple(row) for row in work.connection.execute(query))


def test_a_set_is_stored_once(process_engine: ProcessEngine) -> None:
    definition = deploy_step(process_engine)
    for number, body in enumerate(("b1", "b1", "b2")):
        with process_engine.begin() as work:
            start_instance(work, definition, f"case-{number}", {"body": body})
    assert members(process_engine) == [("group", each) for each in ("auditor@b1", "auditor@b2", "chief", "chief")]


def test_what_was_rolled_back_is_not_remembered(process_engine: ProcessEngine) -> None:
    definition = deploy_step(process_engine)
    with pytest.raises(LookupError), process_engine.begin() as work:
        start_instance(work, definition, "gone", {"body": "b1"})
        raise LookupError
    with process_engine.begin() as work:
        with pytest.raises(LookupError), work.part() as part:
            start_instance(part, definition, "gone too", {"body": "b1"})
            raise LookupError
        start_instance(work, definition, "other", {"body": "b2"})
    assert members(process_engine) == [("group", "auditor@b2"), ("group", "chief")]
    with process_engine.begin() as work:
        start_instance(work, definition, "case-1", {"body": "b1"})
    assert members(process_engine) == [("group", each) for each in ("auditor@b1", "auditor@b2", "chief", "chief")]


def test_remembering_begins_anew_when_it_is_full(process_engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "MOST_SETS", 2)
    definition = deploy_step(process_engine)
    for number in range(7):
        with process_engine.begin() as work:
            start_instance(work, definition, f"case-{number}", {"body": f"b{number % 4}"})
    assert len(members(process_engine)) == 8
    assert len(process_engine.stored_sets) <= 2
