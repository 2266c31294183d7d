"""Instances with their mirror rows: what a step writes, and that nothing is written when it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.due import next_due, run_due
from engine.errors import (
    BpmnError,
    InstanceNotRunning,
    OperationNotAllowed,
    TaskAlreadyClaimed,
    TaskAlreadyCompleted,
    TaskChanged,
)
from engine.handlers import Call
from engine.history import list_entries, verify_chain
from engine.incidents import list_incidents, retry_incident
from engine.instances import (
    cancel_instance,
    instance_positions,
    instance_variables,
    resume_instance,
    start_instance,
    suspend_instance,
)
from engine.messages import send_message
from engine.scripts import ScriptRunner
from engine.tables import history, instance, message, subscription, timer, user_task
from engine.tasks import (
    ReturnTarget,
    claim_task,
    complete_task,
    list_candidates,
    return_targets,
    return_task,
    transfer_task,
    unclaim_task,
)
from engine.work import ProcessEngine, Work

Deploy = Callable[..., str]
CUTOFF = datetime(2022, 8, 10, 16, tzinfo=UTC)


def open_tasks(work: Work) -> list[sa.Row[Any]]:
    return list(work.connection.execute(sa.select(user_task).where(user_task.c.state == "open").order_by(user_task.c.id)).all())


def the_task(process_engine: ProcessEngine) -> sa.Row[Any]:
    with process_engine.read() as work:
        (task,) = open_tasks(work)
    return task


def state_of(process_engine: ProcessEngine, instance_id: str) -> str:
    with process_engine.read() as work:
        return str(work.connection.execute(sa.select(instance.c.state).where(instance.c.id == instance_id)).scalar_one())


@pytest.fixture
def calls() -> list[Call]:
    """Every handler call of the test, in order."""
    return []


@pytest.fixture
def audit(process_engine: ProcessEngine, deploy_diagram: Deploy, calls: list[Call]) -> str:
    """A running instance of the audit diagram, at 填写申报材料."""

    def record(call: Call) -> dict[str, Any]:
        calls.append(call)
        return {"result": call.form["result"]} if call.event == "complete" else {}

    for name in ("audits.announce", "audits.record", "cases.register"):
        process_engine.handlers.register(name, record)
    definition = deploy_diagram(process_engine, "audit")
    with process_engine.begin(by="anna") as work:
        return start_instance(
            work, definition, "case-1", {"institution": "i1", "body": "b1", "cutoff": CUTOFF.isoformat(), "result": None}
        )


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


@pytest.mark.parametrize(("late", "end"), [(timedelta(microseconds=-1), "open"), (timedelta(0), "missed")])
def test_a_boundary_timer_fires_at_its_moment(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy, late: timedelta, end: str
) -> None:
    definition = deploy_diagram(process_engine, "deadline")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"person": "anna", "cutoff": "2022-08-10T24:00:00+08:00"})
    with process_engine.read() as work:
        assert next_due(work) == CUTOFF
    virtual_clock.move_to(CUTOFF + late)
    assert run_due(process_engine) == (end == "missed")
    assert run_due(process_engine) == 0
    with process_engine.read() as work:
        assert [task.element_id for task in open_tasks(work)] == (["apply"] if end == "open" else [])
        states = work.connection.execute(sa.select(timer.c.state)).scalars().all()
        entries = list_entries(work, instance_id)
    assert list(states) == (["armed"] if end == "open" else ["fired"])
    if end == "missed":
        assert [entry.kind for entry in entries] == ["started", "fired", "ended"]
        assert "missed" in entries[1].detail["passed"]


def test_completing_disarms_the_timer(process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy) -> None:
    definition = deploy_diagram(process_engine, "deadline")
    with process_engine.begin() as work:
        start_instance(work, definition, "case-1", {"person": "anna", "cutoff": CUTOFF.isoformat()})
    with process_engine.begin(by="anna") as work:
        complete_task(work, the_task(process_engine).id, {})
    with process_engine.read() as work:
        assert next_due(work) is None
        assert list(work.connection.execute(sa.select(timer.c.state)).scalars()) == ["cancelled"]


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


@pytest.mark.parametrize("early", [False, True])
def test_a_message_finds_its_instance_however_early(process_engine: ProcessEngine, deploy_diagram: Deploy, early: bool) -> None:
    definition = deploy_diagram(process_engine, "message")
    with process_engine.begin() as work:
        ids = [start_instance(work, definition, f"case-{number}", {"recommended": None}) for number in (1, 2)]
    if early:
        with process_engine.begin() as work:
            send_message(work, "list_decided", "case-2", {"recommended": True}, unique_key="list/1")
            send_message(work, "list_decided", "case-2", {"recommended": False}, unique_key="list/1")
        assert run_due(process_engine) == 0
    with process_engine.read() as work:
        tasks = open_tasks(work)
    for task in tasks:
        with process_engine.begin() as work:
            complete_task(work, task.id, {})
    if not early:
        with process_engine.read() as work:
            keys = work.connection.execute(sa.select(subscription.c.business_key).order_by(subscription.c.business_key)).scalars()
            assert list(keys) == ["case-1", "case-2"]
        with process_engine.begin() as work:
            send_message(work, "list_decided", "case-2", {"recommended": True})
    assert run_due(process_engine) == 1
    assert [state_of(process_engine, instance_id) for instance_id in ids] == ["running", "ended"]
    with process_engine.read() as work:
        assert "recommended" in list_entries(work, ids[1])[-2].detail["passed"]
        assert list(work.connection.execute(sa.select(message.c.state)).scalars()) == ["delivered"]
        assert list(work.connection.execute(sa.select(subscription.c.business_key)).scalars()) == ["case-1"]


def test_a_message_that_nobody_wants_is_reported(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    with process_engine.begin() as work:
        send_message(work, "list_decided", "case-9")
    run_due(process_engine)
    with process_engine.read() as work:
        assert list_incidents(work) == []
    virtual_clock.move_to(virtual_clock.now() + timedelta(days=31))
    run_due(process_engine)
    with process_engine.read() as work:
        (found,) = list_incidents(work)
    assert (found.kind, found.code) == ("message", "MessageExpired")


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


def test_a_bad_step_is_retried_then_reported_then_done(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy
) -> None:
    broken = [True]

    def do(call: Call) -> None:
        if broken[0]:
            raise RuntimeError("the printer is on fire")

    process_engine.handlers.register("work.do", do)
    definition = deploy_diagram(process_engine, "failing")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {})
    for _ in range(30):
        with process_engine.read() as work:
            due = next_due(work)
        if due is None:
            break
        virtual_clock.move_to(max(due, virtual_clock.now()))
        assert run_due(process_engine) == 0
    with process_engine.read() as work:
        (found,) = list_incidents(work)
        assert (found.kind, found.instance_id, found.element_id) == ("timer", instance_id, "pause")
        assert "printer" in found.detail
        assert len(list_entries(work, instance_id)) == 1
    broken[0] = False
    with process_engine.begin(by="admin") as work:
        retry_incident(work, found.id)
    assert run_due(process_engine) == 1
    assert state_of(process_engine, instance_id) == "ended"
    with process_engine.read() as work:
        assert list_incidents(work) == []


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


def test_a_script_runs_outside_of_the_step(process_engine: ProcessEngine, deploy_diagram: Deploy) -> None:
    definition = deploy_diagram(process_engine, "script")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"names": ["甲", "乙丙", "丁"]})
        assert open_tasks(work) == []
    with ScriptRunner(processes=1) as runner:
        process_engine.extras["scripts"] = runner
        assert run_due(process_engine) == 1
    with process_engine.read() as work:
        assert instance_variables(work, instance_id) == {"names": ["甲", "乙丙", "丁"], "total": 3, "longest": "乙丙"}
        assert [task.element_id for task in open_tasks(work)] == ["look"]


def test_history_shows_what_was_tampered_with(process_engine: ProcessEngine, audit: str) -> None:
    with process_engine.begin(by="anna") as work:
        complete_task(work, the_task(process_engine).id, {})
    for column, value in (("by", "mallory"), ("kind", "returned"), ("detail", {"passed": []})):
        with process_engine.begin() as work:
            work.connection.execute(history.update().where(history.c.seq == 2).values({column: value}))
            assert verify_chain(work, audit) == 2
            work.connection.rollback()
    with process_engine.begin() as work:
        work.connection.execute(history.delete().where(history.c.seq == 2))
        assert verify_chain(work, audit) == 2
        work.connection.rollback()
