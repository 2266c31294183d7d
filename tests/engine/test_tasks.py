"""What people do with a task: claim, transfer, return, sign one of several."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from engine.errors import (
    BpmnError,
    OperationNotAllowed,
    StepFailed,
    TaskAlreadyClaimed,
    TaskAlreadyCompleted,
    TaskChanged,
)
from engine.handlers import Call
from engine.history import list_entries
from engine.instances import (
    instance_variables,
    start_instance,
)
from engine.tables import instance, user_task
from engine.tasks import (
    ReturnTarget,
    claim_task,
    complete_task,
    return_targets,
    return_task,
    transfer_task,
    unclaim_task,
)
from engine.work import ProcessEngine
from tests.engine.store_rows import CUTOFF, open_tasks, state_of, the_task

Deploy = Callable[..., str]


def test_claiming(process_engine: ProcessEngine, audit: str) -> None:
    task_id = the_task(process_engine).id
    with process_engine.begin(by="anna") as work:
        claim_task(work, task_id, "anna")
    with process_engine.begin(by="anna") as work:
        claim_task(work, task_id, "anna")
    with pytest.raises(TaskAlreadyClaimed), process_engine.begin(by="bert") as work:
        claim_task(work, task_id, "bert")
    assert (the_task(process_engine).assignee, the_task(process_engine).revision) == ("anna", 2)
    with pytest.raises(TaskChanged), process_engine.begin(by="anna") as work:
        complete_task(work, task_id, {}, revision=1)
    with process_engine.begin(by="anna") as work:
        unclaim_task(work, task_id)
    with process_engine.begin(by="cara") as work:
        transfer_task(work, task_id, "dora", reason="出差")
    assert the_task(process_engine).assignee == "dora"
    with process_engine.begin(by="dora") as work:
        complete_task(work, task_id, {})
    with pytest.raises(TaskAlreadyCompleted), process_engine.begin(by="dora") as work:
        complete_task(work, task_id, {})


def test_returning_to_the_applicant(process_engine: ProcessEngine, audit: str, kernel: str) -> None:
    first = the_task(process_engine)
    with process_engine.read() as work:
        assert return_targets(work, first.id) == []
    with pytest.raises(OperationNotAllowed), process_engine.begin() as work:
        return_task(work, first.id, "apply", reason="-")
    with process_engine.begin() as work:
        complete_task(work, first.id, {})
    second = the_task(process_engine)
    with process_engine.read() as work:
        assert return_targets(work, second.id) == [ReturnTarget("apply", "填写申报材料")]
    with pytest.raises(OperationNotAllowed), process_engine.begin() as work:
        return_task(work, second.id, "record", reason="-")
    with process_engine.begin(by="bert") as work:
        return_task(work, second.id, "apply", reason="缺少盖章")
    third = the_task(process_engine)
    assert (third.element_id, third.id != first.id, third.due_at) == ("apply", True, CUTOFF)
    with process_engine.read() as work:
        entry = list_entries(work, audit)[-1]
        assert (entry.kind, entry.element_id, entry.detail["to"], entry.detail["reason"]) == (
            "returned",
            "audit",
            "apply",
            "缺少盖章",
        )
        assert (
            work.connection.execute(sa.select(user_task.c.state).where(user_task.c.id == second.id)).scalar_one() == "cancelled"
        )


def test_every_signer_has_a_task(process_engine: ProcessEngine, deploy_diagram: Deploy) -> None:
    seen: list[tuple[str, str]] = []
    process_engine.handlers.register("signers.note", lambda call: seen.append((call.variables["signer"], call.form["word"])))
    definition = deploy_diagram(process_engine, "signers")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"signers": ["anna", "bert", "cara"]})
    with process_engine.read() as work:
        tasks = open_tasks(work)
    assert [task.assignee for task in tasks] == ["anna", "bert", "cara"]
    for task in reversed(tasks):
        with process_engine.begin(by=task.assignee) as work:
            complete_task(work, task.id, {}, form={"word": f"by {task.assignee}"})
    assert seen == [("cara", "by cara"), ("bert", "by bert"), ("anna", "by anna")]
    assert state_of(process_engine, instance_id) == "ended"


@pytest.fixture
def objection(process_engine: ProcessEngine, deploy_diagram: Deploy) -> str:
    """A running instance at 报送, whose listener throws the BPMN error that the form names."""

    def submit(call: Call) -> dict[str, str]:
        if call.form.get("error"):
            raise BpmnError(call.form["error"], {"said": "yes"})
        return {"said": "no"}

    def announce(call: Call) -> None:
        if call.variables.get("spoil"):
            raise BpmnError("objected")

    process_engine.handlers.register("lists.submit", submit)
    process_engine.handlers.register("lists.announce", announce)
    definition = deploy_diagram(process_engine, "objection")
    with process_engine.begin() as work:
        return start_instance(work, definition, "case-1", {"said": None, "spoil": False})


def test_an_error_of_a_complete_listener_is_caught_at_the_task(process_engine: ProcessEngine, objection: str) -> None:
    first = the_task(process_engine)
    with process_engine.begin(by="anna") as work:
        complete_task(work, first.id, {}, form={"error": "objected"})
    assert the_task(process_engine).element_id == "settle"
    with process_engine.read() as work:
        assert instance_variables(work, objection)["said"] == "yes"
        entry = list_entries(work, objection)[-1]
        closed = work.connection.execute(sa.select(user_task).where(user_task.c.id == first.id)).one()
    assert (entry.kind, entry.element_id, entry.by, entry.detail["code"]) == ("thrown", "hand_in", "anna", "objected")
    assert (closed.state, closed.closed_by) == ("cancelled", "anna")


def test_an_error_of_a_complete_listener_that_nobody_catches_ends_the_instance(
    process_engine: ProcessEngine, objection: str
) -> None:
    with process_engine.begin(by="anna") as work:
        complete_task(work, the_task(process_engine).id, {}, form={"error": "other"})
    with process_engine.read() as work:
        row = work.connection.execute(sa.select(instance.c.state, instance.c.error).where(instance.c.id == objection)).one()
    assert tuple(row) == ("ended", "other")


def test_an_error_where_nothing_can_catch_it_fails_with_its_place(process_engine: ProcessEngine, objection: str) -> None:
    first = the_task(process_engine)
    with pytest.raises(StepFailed) as failed, process_engine.begin(by="anna") as work:
        complete_task(work, first.id, {"spoil": True}, form={"error": "objected"})
    assert (failed.value.values["element"], failed.value.values["reason"].code) == ("settle", "ErrorNotCatchable")
    assert the_task(process_engine) == first
