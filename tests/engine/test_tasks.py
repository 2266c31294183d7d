"""What people do with a task: claim, transfer, return, sign one of several."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from engine.errors import (
    OperationNotAllowed,
    TaskAlreadyClaimed,
    TaskAlreadyCompleted,
    TaskChanged,
)
from engine.history import list_entries
from engine.instances import (
    start_instance,
)
from engine.tables import user_task
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
