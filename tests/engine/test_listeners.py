"""Task listeners beside completing: assignment, delete, timeout; and who started a process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.definitions import deploy
from engine.due import run_due
from engine.errors import BpmnError, StepFailed
from engine.handlers import Call
from engine.history import list_entries
from engine.instances import cancel_instance, instance_variables, resume_instance, start_instance, suspend_instance
from engine.messages import send_message
from engine.tables import timer
from engine.tasks import claim_task, complete_task, transfer_task, unclaim_task
from engine.verification import verify_chain
from engine.work import ProcessEngine
from tests.engine.kernel_runs import diagram
from tests.engine.store_rows import the_task

HOUR = timedelta(hours=1)
Told = list[tuple[str, str, dict[str, Any]]]


def listener(event: str, inner: str = "", **more: str) -> str:
    text = "".join(f' {name}="{value}"' for name, value in more.items())
    return f'<camunda:taskListener event="{event}"{text} delegateExpression="${{work.note}}">{inner}</camunda:taskListener>'


def task(*listeners: str, people: str = 'camunda:candidateGroups="g"') -> str:
    return f'<userTask id="a" {people}><extensionElements>{"".join(listeners)}</extensionElements></userTask>'


def timeout(kind: str, text: str, **more: str) -> str:
    return listener("timeout", f'<timerEventDefinition id="td"><{kind}>{text}</{kind}></timerEventDefinition>', **more)


@pytest.fixture
def told(sqlite_engine: ProcessEngine) -> Iterator[Told]:
    """What listeners were called with: element, event, form."""
    calls: Told = []

    def note(call: Call) -> dict[str, Any]:
        calls.append((call.element_id, call.event, dict(call.form)))
        assert call.task_id is not None or call.event == "delete"
        return {"never": "written"}

    sqlite_engine.handlers.register("work.note", note)
    yield calls


def start(process_engine: ProcessEngine, body: str, **variables: Any) -> str:
    xml = diagram(
        '<startEvent id="s" camunda:initiator="starter"/><endEvent id="e"/>'
        f'{body}<boundaryEvent id="m" attachedToRef="a"><messageEventDefinition id="md" messageRef="M"/></boundaryEvent>',
        "s a",
        "a e",
        "m e",
    )
    with process_engine.begin(by="anna") as work:
        return start_instance(work, deploy(work, {"a.bpmn": xml}, name="a").definitions["p"], "case-1", variables)


def test_who_started_it_is_a_variable(sqlite_engine: ProcessEngine) -> None:
    instance_id = start(sqlite_engine, '<userTask id="a" camunda:assignee="${starter}"/>')
    assert the_task(sqlite_engine).assignee == "anna"
    with sqlite_engine.read() as work:
        assert instance_variables(work, instance_id) == {"starter": "anna"}


def test_assignment_is_told_each_time(sqlite_engine: ProcessEngine, told: Told) -> None:
    instance_id = start(sqlite_engine, task(listener("create"), listener("assignment")))
    row = the_task(sqlite_engine)
    with sqlite_engine.begin(by="bo") as work:
        claim_task(work, row.id, "bo")
    with sqlite_engine.begin(by="bo") as work:
        unclaim_task(work, row.id)
    with sqlite_engine.begin(by="bo") as work:
        transfer_task(work, row.id, "cai", reason="-")
    assert told == [("a", "create", {}), ("a", "assignment", {"assignee": "bo"}), ("a", "assignment", {"assignee": "cai"})]
    with sqlite_engine.read() as work:
        assert [entry.kind for entry in list_entries(work, instance_id)] == ["started", "claimed", "unclaimed", "transferred"]
        assert verify_chain(work, instance_id) is None
        assert "never" not in instance_variables(work, instance_id)


def test_assignment_at_once(sqlite_engine: ProcessEngine, told: Told) -> None:
    start(sqlite_engine, task(listener("assignment"), people='camunda:assignee="${who}"'), who="bo")
    assert told == [("a", "assignment", {"assignee": "bo"})]


def test_delete_is_told_when_the_flow_takes_the_task_away(sqlite_engine: ProcessEngine, told: Told) -> None:
    start(sqlite_engine, task(listener("delete")))
    with sqlite_engine.begin() as work:
        send_message(work, "m", "case-1")
    run_due(sqlite_engine)
    assert told == [("a", "delete", {})]


def test_delete_is_told_when_the_instance_is_cancelled_but_not_when_the_task_is_done(
    sqlite_engine: ProcessEngine, told: Told
) -> None:
    start(sqlite_engine, task(listener("delete")))
    with sqlite_engine.begin(by="bo") as work:
        complete_task(work, the_task(sqlite_engine).id, {})
    assert told == []
    instance_id = start(sqlite_engine, task(listener("delete")))
    with sqlite_engine.begin() as work:
        cancel_instance(work, instance_id, reason="-")
    assert told == [("a", "delete", {})]


def armed(process_engine: ProcessEngine) -> list[Any]:
    with process_engine.read() as work:
        rows = work.connection.execute(sa.select(timer.c.due_at).where(timer.c.kind == "listener", timer.c.state == "armed"))
        return list(rows.scalars())


def test_a_timeout_is_told_beside_the_flow(sqlite_engine: ProcessEngine, told: Told, virtual_clock: VirtualClock) -> None:
    begun = virtual_clock.now()
    instance_id = start(sqlite_engine, task(timeout("timeDuration", "PT${hours}H", id="remind")), hours=2)
    assert armed(sqlite_engine) == [begun + 2 * HOUR]
    virtual_clock.move_to(begun + 3 * HOUR)
    assert run_due(sqlite_engine) == 1
    assert told == [("a", "timeout", {"listener": "remind", "due_at": (begun + 2 * HOUR).isoformat()})]
    assert (the_task(sqlite_engine).state, armed(sqlite_engine)) == ("open", [])
    with sqlite_engine.read() as work:
        last = list_entries(work, instance_id)[-1]
        assert (last.kind, last.detail["listener"]) == ("listened", "remind")
        assert verify_chain(work, instance_id) is None


def test_a_cycle_goes_on_and_does_not_make_up_for_what_was_missed(
    sqlite_engine: ProcessEngine, told: Told, virtual_clock: VirtualClock
) -> None:
    begun = virtual_clock.now()
    start(sqlite_engine, task(timeout("timeCycle", "R9/PT1H")))
    virtual_clock.move_to(begun + HOUR)
    run_due(sqlite_engine)
    virtual_clock.move_to(begun + 4 * HOUR)
    run_due(sqlite_engine)
    assert len(told) == 2
    assert armed(sqlite_engine) == [begun + 5 * HOUR]
    with sqlite_engine.begin(by="bo") as work:
        complete_task(work, the_task(sqlite_engine).id, {})
    assert armed(sqlite_engine) == []


def test_timeouts_rest_while_the_instance_does(sqlite_engine: ProcessEngine, told: Told, virtual_clock: VirtualClock) -> None:
    instance_id = start(sqlite_engine, task(timeout("timeDuration", "PT1H")))
    with sqlite_engine.begin() as work:
        suspend_instance(work, instance_id, reason="-")
    virtual_clock.move_to(virtual_clock.now() + HOUR)
    assert (run_due(sqlite_engine), told) == (0, [])
    with sqlite_engine.begin() as work:
        resume_instance(work, instance_id)
    assert run_due(sqlite_engine) == 1
    assert len(told) == 1


def test_no_error_can_be_caught_there(sqlite_engine: ProcessEngine) -> None:
    def fail(call: Call) -> None:
        raise BpmnError("e")

    sqlite_engine.handlers.register("work.note", fail)
    start(sqlite_engine, task(listener("assignment")))
    row = the_task(sqlite_engine)
    with pytest.raises(StepFailed), sqlite_engine.begin(by="bo") as work:
        claim_task(work, row.id, "bo")
    assert the_task(sqlite_engine).assignee is None
