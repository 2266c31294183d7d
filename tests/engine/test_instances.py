"""Instances with their mirror rows: what a step writes, and that nothing is written when it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.due import next_due, run_due
from engine.errors import (
    BpmnError,
    InstanceNotRunning,
)
from engine.handlers import Call
from engine.history import list_entries
from engine.instances import (
    cancel_instance,
    instance_positions,
    instance_variables,
    resume_instance,
    start_instance,
    suspend_instance,
)
from engine.tables import candidate_set, instance
from engine.tasks import (
    complete_task,
    list_candidates,
)
from engine.verification import verify_chain
from engine.work import ProcessEngine
from tests.engine.store_rows import CUTOFF, open_tasks, state_of, the_task

Deploy = Callable[..., str]


def test_start_opens_the_inbox_row(process_engine: ProcessEngine, audit: str) -> None:
    task = the_task(process_engine)
    with process_engine.read() as work:
        candidates = list_candidates(work, task.id)
        positions = instance_positions(work, audit)
    assert (task.element_id, task.name, task.business_key, task.state, task.revision) == (
        "apply",
        "填写申报材料",
        "case-1",
        "open",
        1,
    )
    assert (task.due_at, task.form_key, task.assignee) == (CUTOFF, "application", None)
    assert candidates == {("group", "applicant@i1")}
    assert positions == [(task.token, "apply")]


def test_a_set_of_candidates_is_stored_once(process_engine: ProcessEngine, audit: str) -> None:
    with process_engine.begin() as work:
        definition = work.connection.execute(sa.select(instance.c.definition_id)).scalar_one()
        variables = instance_variables(work, audit)
        for number in (2, 3):
            start_instance(work, definition, f"case-{number}", variables, belongs_to="campaign")
    with process_engine.read() as work:
        tasks = open_tasks(work)
        sets = work.connection.execute(sa.select(candidate_set)).all()
    assert [(row.kind, row.candidate) for row in sets] == [("group", "applicant@i1")]
    assert {task.candidate_set for task in tasks} == {sets[0].id}
    assert [task.belongs_to for task in tasks] == [None, "campaign", "campaign"]


def test_completing_moves_on_and_calls_the_handlers_in_order(
    process_engine: ProcessEngine, audit: str, calls: list[Call]
) -> None:
    with process_engine.begin(by="anna") as work:
        complete_task(work, the_task(process_engine).id, {}, form={"title": "案例"})
    task = the_task(process_engine)
    with process_engine.read() as work:
        assert list_candidates(work, task.id) == {("group", "auditor@b1"), ("group", "auditor@top")}
    with process_engine.begin(by="bert") as work:
        complete_task(work, task.id, {}, form={"result": "pass"}, revision=task.revision)
    assert [(call.element_id, call.event, dict(call.form)) for call in calls] == [
        ("audit", "create", {}),
        ("audit", "complete", {"result": "pass"}),
        ("record", "execute", {}),
    ]
    assert calls[0].task_id == calls[1].task_id == task.id
    assert state_of(process_engine, audit) == "ended"
    with process_engine.read() as work:
        entries = list_entries(work, audit)
        assert [(entry.kind, entry.element_id, entry.by) for entry in entries] == [
            ("started", None, "anna"),
            ("completed", "apply", "anna"),
            ("completed", "audit", "bert"),
            ("ended", None, "bert"),
        ]
        assert instance_variables(work, audit)["result"] == "pass"
        assert verify_chain(work, audit) is None


def test_a_failing_handler_leaves_everything_as_it_was(process_engine: ProcessEngine, audit: str, calls: list[Call]) -> None:
    with process_engine.begin() as work:
        complete_task(work, the_task(process_engine).id, {})
    before = the_task(process_engine)
    with pytest.raises(KeyError), process_engine.begin() as work:
        complete_task(work, before.id, {}, form={})  # the handler asks for a result that is not there
    assert the_task(process_engine) == before
    with process_engine.read() as work:
        assert len(list_entries(work, audit)) == 2
        assert verify_chain(work, audit) is None


def test_a_suspended_instance_rests(process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy) -> None:
    definition = deploy_diagram(process_engine, "deadline")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"person": "anna", "cutoff": CUTOFF.isoformat()})
        suspend_instance(work, instance_id, reason="核查")
    virtual_clock.move_to(CUTOFF + timedelta(days=1))
    assert run_due(process_engine) == 0
    with pytest.raises(InstanceNotRunning), process_engine.begin() as work:
        complete_task(work, the_task(process_engine).id, {})
    with process_engine.begin() as work:
        resume_instance(work, instance_id)
    assert run_due(process_engine) == 1
    assert state_of(process_engine, instance_id) == "ended"


def test_cancelling_takes_everything_away(process_engine: ProcessEngine, deploy_diagram: Deploy) -> None:
    definition = deploy_diagram(process_engine, "deadline")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"person": "anna", "cutoff": CUTOFF.isoformat()})
    with process_engine.begin(by="org") as work:
        cancel_instance(work, instance_id, reason="撤回申报")
    with process_engine.read() as work:
        assert open_tasks(work) == []
        assert next_due(work) is None
        assert list_entries(work, instance_id)[-1].detail["reason"] == "撤回申报"
    assert state_of(process_engine, instance_id) == "cancelled"


def test_a_handler_can_throw_a_bpmn_error(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy
) -> None:
    def do(call: Call) -> None:
        raise BpmnError("refused", {"why": "重复申报"})

    process_engine.handlers.register("work.do", do)
    definition = deploy_diagram(process_engine, "failing")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {})
    virtual_clock.move_to(virtual_clock.now() + timedelta(hours=1))
    assert run_due(process_engine) == 1
    with process_engine.read() as work:
        entry = list_entries(work, instance_id)[1]
        assert "caught" in entry.detail["passed"]
        assert "done" not in entry.detail["passed"]


def test_a_handler_sees_what_the_one_before_it_wrote(process_engine: ProcessEngine, deploy_diagram: Deploy) -> None:
    process_engine.handlers.register("count.up", lambda call: {"count": call.variables["count"] + 1})
    definition = deploy_diagram(process_engine, "handlers")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"count": 0})
        assert instance_variables(work, instance_id)["count"] == 2
