"""Timers get other moments: rows, documents of both kernels and what follows agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.definitions import deploy
from engine.due import run_due
from engine.instances import instance_variables, start_instance
from engine.kernel import Reschedule, WaitKind
from engine.rescheduling import follow_rows, move_timers
from engine.runs import Run
from engine.states import read_state
from engine.tables import history, instance, timer
from engine.work import ProcessEngine
from tests.engine.kernel_runs import END, START, diagram

OLD, NEW = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 11, tzinfo=UTC)
DATE = '<timerEventDefinition id="yt"><timeDate>${until}</timeDate></timerEventDefinition>'
BODY = (
    START
    + END
    + '<userTask id="a" camunda:assignee="anna"/>'
    + f'<boundaryEvent id="y" attachedToRef="a">{DATE}</boundaryEvent><endEvent id="late"/>'
)


def begin(process_engine: ProcessEngine, kernel: str) -> str:
    with process_engine.begin() as work:
        deployed = deploy(work, {"p.bpmn": diagram(BODY, "s a", "a e", "y late")}, name="p", kernel=kernel)
        return start_instance(work, deployed.definitions["p"], "case-1", {"until": OLD.isoformat()})


def test_a_moved_timer_fires_at_its_new_moment_alone(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, kernel: str
) -> None:
    virtual_clock.move_to(OLD - timedelta(days=1))
    instance_id = begin(process_engine, kernel)
    with process_engine.begin(by="anna") as work:
        row = work.connection.execute(sa.select(timer)).one()
        assert (row.due_at, row.generation) == (OLD, 1)
        assert move_timers(work, {row.id: NEW}) == 1
        follow_rows(Run.load(work, instance_id), {"until": NEW.isoformat()}, kind="moved", detail={"why": "flood"})
    with process_engine.read() as work:
        again = work.connection.execute(sa.select(timer)).one()
        assert (again.id, again.due_at, again.next_try_at, again.generation, again.state) == (row.id, NEW, NEW, 2, "armed")
        assert instance_variables(work, instance_id)["until"] == NEW.isoformat()
        entry = work.connection.execute(sa.select(history).where(history.c.kind == "moved")).one()
        assert (entry.detail, entry.by) == ({"why": "flood"}, "anna")
        definition, document = read_state(work, instance_id)
        outcome = definition.kernel.step(
            definition.model, "p", document, Reschedule(((row.token, "y", NEW),)), virtual_clock.now()
        )
        assert (outcome.opened, outcome.closed) == ([], [])  # the document has that moment already
        moved = definition.kernel.step(
            definition.model, "p", outcome.document, Reschedule(((row.token, "y", OLD),)), virtual_clock.now()
        )
        assert [(each.kind, each.element_id, each.due_at) for each in moved.opened] == [(WaitKind.TIMER, "y", OLD)]
    virtual_clock.move_to(OLD + timedelta(seconds=1))
    run_due(process_engine)
    assert state(process_engine) == "running"
    virtual_clock.move_to(NEW)
    run_due(process_engine)
    assert state(process_engine) == "ended"


def state(process_engine: ProcessEngine) -> str:
    with process_engine.read() as work:
        return str(work.connection.execute(sa.select(instance.c.state)).scalar_one())
