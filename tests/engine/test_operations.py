"""Skipping, taking back, ending a branch, adding and removing signers through the store, and what the preview says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from engine.definitions import deploy
from engine.errors import (
    NothingToWithdraw,
    OperationNotAllowed,
    OperationNotSupported,
    SignerNotTaken,
    SignersTogether,
    SignerThere,
    SkipRefused,
    TaskAlreadyCompleted,
    TaskChanged,
    WithdrawalTooLate,
)
from engine.handlers import Call
from engine.history import list_entries
from engine.instances import instance_positions, instance_variables, start_instance
from engine.kernel import Move, Place
from engine.operations import add_signer, cancel_branch, find_withdrawal, remove_signer, skip_task, withdraw_task
from engine.preview import Preview, preview
from engine.tables import subscription, timer, user_task
from engine.tasks import (
    claim_task,
    complete_task,
    delegate_task,
    get_task,
    hand_back_task,
    return_targets,
    return_task,
)
from engine.work import ProcessEngine
from tests.engine.kernel_runs import END, MESSAGE, START, TIMER, diagram
from tests.engine.store_rows import open_tasks, state_of

Begin = Callable[..., str]


def user(key: str, allow: str = "", inside: str = "", assignee: str = "${starter}", return_to: str = "any") -> str:
    """A user task with the operations that it allows."""
    properties = f'<camunda:property name="allow" value="{allow}"/><camunda:property name="return_to" value="{return_to}"/>'
    extensions = f"<extensionElements><camunda:properties>{properties}</camunda:properties></extensionElements>" if allow else ""
    return f'<userTask id="{key}" camunda:assignee="{assignee}">{extensions}{inside}</userTask>'


@pytest.fixture
def begin(process_engine: ProcessEngine, kernel: str) -> Begin:
    """Deploy a drawn process and start an instance of it."""

    def run(body: str, *flows: str, **variables: Any) -> str:
        with process_engine.begin(by="anna") as work:
            deployed = deploy(work, {"p.bpmn": diagram(START + END + body, *flows)}, name="p", kernel=kernel)
            return start_instance(work, deployed.definitions["p"], "case-1", {"starter": "anna", **variables})

    return run


def task_at(process_engine: ProcessEngine, element: str, assignee: str | None = None) -> str:
    """The id of the first open task of a step."""
    with process_engine.read() as work:
        return str(next(row.id for row in open_tasks(work) if row.element_id == element and assignee in (None, row.assignee)))


def do(process_engine: ProcessEngine, *elements: str, by: str = "anna") -> str:
    """Complete steps; the id of the last one."""
    task_id = ""
    for element in elements:
        task_id = task_at(process_engine, element)
        with process_engine.begin(by=by) as work:
            complete_task(work, task_id, {})
    return task_id


def steps(process_engine: ProcessEngine) -> list[str]:
    """Elements of the open tasks."""
    with process_engine.read() as work:
        return sorted(row.element_id for row in open_tasks(work))


def names(seen: Preview) -> tuple[list[str], list[str]]:
    """(kind and element) of what goes and what begins."""
    gone, begun = ([f"{each.kind} {each.element_id}" for each in part] for part in (seen.cancelled, seen.started))
    return sorted(gone), sorted(begun)


FORK = (
    user("a", "withdraw")
    + user("b", "return cancel_branch")
    + user("c", "return skip")
    + user("d", "return")
    + '<parallelGateway id="f"/><parallelGateway id="j"/>'
    + f'<boundaryEvent id="y" attachedToRef="b">{TIMER}</boundaryEvent><endEvent id="late"/>'
)
FLOWS = ("s a", "a f", "f b", "f c", "b j", "c j", "j d", "d e", "y late")


def test_the_preview_of_a_return_lists_what_goes_and_what_begins(process_engine: ProcessEngine, begin: Begin) -> None:
    instance_id = begin(FORK, *FLOWS)
    do(process_engine, "a")
    with process_engine.read() as work:
        row = get_task(work, task_at(process_engine, "c"))
        seen = preview(work, instance_id, Move((row.token,), "a"))
    assert names(seen) == (["task b", "task c", "timer y"], ["task a"])
    assert {each.task.assignee for each in seen.cancelled if each.task is not None} == {"anna"} and not seen.ends
    assert steps(process_engine) == ["b", "c"]  # nothing has happened
    with process_engine.begin(by="anna") as work:
        return_task(work, row.id, "a", reason="重来")
    assert steps(process_engine) == ["a"]
    with process_engine.read() as work:
        assert {row.state for row in work.connection.execute(sa.select(timer.c.state)).all()} == {"cancelled"}


def test_what_is_returned_comes_straight_back_where_it_is_drawn(process_engine: ProcessEngine, begin: Begin, kernel: str) -> None:
    drawn = user("c", "return").replace(
        "<camunda:properties>", '<camunda:properties><camunda:property name="after_return" value="straight"/>'
    )
    begin(user("a") + user("b") + drawn, "s a", "a b", "b c", "c e")
    do(process_engine, "a")
    do(process_engine, "b")
    task_id = task_at(process_engine, "c")
    if kernel == "spiff":
        with pytest.raises(OperationNotSupported), process_engine.begin(by="anna") as work:
            return_task(work, task_id, "a", reason="重来")
        return
    with process_engine.begin(by="anna") as work:
        return_task(work, task_id, "a", reason="重来")
    do(process_engine, "a")
    assert steps(process_engine) == ["c"]
    with process_engine.read() as work:
        assert [each.element_id for each in return_targets(work, task_at(process_engine, "c"))] == ["b", "a"]


def test_the_preview_names_subprocesses_and_messages(process_engine: ProcessEngine, begin: Begin) -> None:
    inner = f'<startEvent id="i"/>{user("b", "return")}<sequenceFlow id="i1" sourceRef="i" targetRef="b"/>'
    body = (
        user("a")
        + f'<subProcess id="q" name="内部">{inner}</subProcess><boundaryEvent id="y" attachedToRef="q">{MESSAGE}</boundaryEvent>'
    )
    instance_id = begin(body, "s a", "a q", "q e", "y e")
    do(process_engine, "a")
    with process_engine.read() as work:
        row = get_task(work, task_at(process_engine, "b"))
        seen = preview(work, instance_id, Move((row.token,), "a"))
    assert names(seen) == (["message y", "scope q", "task b"], ["task a"])
    assert next(each.name for each in seen.cancelled if each.kind == "scope") == "内部"


def test_ending_a_branch(process_engine: ProcessEngine, begin: Begin, kernel: str) -> None:
    instance_id = begin(FORK, *FLOWS)
    do(process_engine, "a")
    task_id = task_at(process_engine, "b")
    if kernel == "spiff":
        with pytest.raises(OperationNotSupported), process_engine.begin(by="anna") as work:
            cancel_branch(work, task_id, reason="不需要")
        return
    with pytest.raises(TaskChanged), process_engine.begin(by="anna") as work:
        cancel_branch(work, task_id, reason="不需要", revision=7)
    with pytest.raises(OperationNotAllowed), process_engine.begin(by="anna") as work:
        cancel_branch(work, task_at(process_engine, "c"), reason="不需要")
    with process_engine.begin(by="anna") as work:
        cancel_branch(work, task_id, reason="不需要")
        assert get_task(work, task_id).state == "cancelled"
    do(process_engine, "c")
    assert steps(process_engine) == ["d"]
    with process_engine.read() as work:
        entry = next(entry for entry in list_entries(work, instance_id) if entry.kind == "branch_cancelled")
    assert (entry.element_id, entry.by, entry.detail["reason"], entry.detail["cancelled"]) == ("b", "anna", "不需要", ["b"])


def test_skipping(process_engine: ProcessEngine, begin: Begin) -> None:
    instance_id = begin(FORK, *FLOWS)
    do(process_engine, "a")
    task_id = task_at(process_engine, "c")
    with process_engine.begin(by="bert") as work:
        skip_task(work, task_id, reason="材料已审过")
        assert (get_task(work, task_id).state, get_task(work, task_id).closed_by) == ("completed", "bert")
    do(process_engine, "b")
    assert steps(process_engine) == ["d"]
    with process_engine.read() as work:
        kinds = [entry.kind for entry in list_entries(work, instance_id)]
    assert kinds == ["started", "completed", "skipped", "completed"]


def test_a_step_whose_result_is_needed_is_not_skipped(process_engine: ProcessEngine, begin: Begin) -> None:
    body = user("a", "skip") + user("b") + '<exclusiveGateway id="x" default="f2"/>'
    begin(body, "s a", "a x", "x e", "x b ${result}")
    with pytest.raises(SkipRefused), process_engine.begin(by="anna") as work:
        skip_task(work, task_at(process_engine, "a"), reason="-")
    assert steps(process_engine) == ["a"]


def test_a_skip_listener_gives_the_result(process_engine: ProcessEngine, begin: Begin) -> None:
    def note(call: Call) -> dict[str, Any]:
        return {"result": call.form["reason"]}

    process_engine.handlers.register("steps.note", note)
    listener = '<camunda:taskListener event="skip" delegateExpression="${steps.note}"/>'
    body = user("a", "skip").replace("<camunda:properties>", listener + "<camunda:properties>")
    instance_id = begin(body + user("b"), "s a", "a b", "b e")
    with process_engine.begin(by="anna") as work:
        skip_task(work, task_at(process_engine, "a"), reason="免")
        assert instance_variables(work, instance_id)["result"] == "免"


# ---- taking back -----------------------------------------------------------------------------------------------------
def test_a_step_is_taken_back_while_nobody_has_touched_what_follows(process_engine: ProcessEngine, begin: Begin) -> None:
    instance_id = begin(FORK, *FLOWS)
    done = do(process_engine, "a")
    with process_engine.read() as work:
        assert sorted(get_task(work, each).element_id for each in find_withdrawal(work, done).tasks) == ["b", "c"]
    with process_engine.begin(by="anna") as work:
        again = withdraw_task(work, done, reason="填错")
    assert steps(process_engine) == ["a"]
    with process_engine.read() as work:
        row = get_task(work, again)
        entry = list_entries(work, instance_id)[-1]
    assert (row.assignee, row.state) == ("anna", "open")
    assert (entry.kind, entry.element_id, entry.detail["reason"]) == ("withdrawn", "a", "填错")
    do(process_engine, "a", "b", "c", "d")
    assert state_of(process_engine, instance_id) == "ended"


def test_it_is_too_late_when_what_follows_was_taken_up(process_engine: ProcessEngine, begin: Begin) -> None:
    begin(FORK, *FLOWS)
    done = do(process_engine, "a")
    with process_engine.begin(by="anna") as work:
        claim_task(work, task_at(process_engine, "b"), "anna")  # claiming one's own changes nothing
    do(process_engine, "b")
    with pytest.raises(WithdrawalTooLate), process_engine.begin(by="anna") as work:
        withdraw_task(work, done, reason="-")
    assert steps(process_engine) == ["c"]


def test_it_is_too_late_when_somebody_has_claimed(process_engine: ProcessEngine, begin: Begin) -> None:
    body = user("a", "withdraw") + '<userTask id="b" camunda:candidateUsers="bert,cara"/>'
    begin(body, "s a", "a b", "b e")
    done = do(process_engine, "a")
    with process_engine.begin(by="bert") as work:
        claim_task(work, task_at(process_engine, "b"), "bert")
    with pytest.raises(WithdrawalTooLate) as caught, process_engine.begin(by="anna") as work:
        withdraw_task(work, done, reason="-")
    assert caught.value.values == {"element": "b"}


def test_a_step_is_taken_back_from_where_only_a_message_is_waited_for(process_engine: ProcessEngine, begin: Begin) -> None:
    body = user("a", "withdraw") + f'<intermediateCatchEvent id="m">{MESSAGE}</intermediateCatchEvent>'
    begin(body, "s a", "a m", "m e")
    done = do(process_engine, "a")
    with process_engine.begin(by="anna") as work:
        withdraw_task(work, done, reason="-")
        assert work.connection.execute(sa.select(sa.func.count()).select_from(subscription)).scalar_one() == 0
    assert steps(process_engine) == ["a"]


def test_what_has_ended_or_is_signed_by_several_is_not_taken_back(process_engine: ProcessEngine, begin: Begin) -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="one"/>'
    begin(user("a", "withdraw", loop, "${one}") + user("b"), "s a", "a b", "b e", people=["anna", "bert"])
    done = do(process_engine, "a")
    with pytest.raises(NothingToWithdraw), process_engine.begin(by="anna") as work:
        withdraw_task(work, done, reason="-")
    with pytest.raises(OperationNotAllowed), process_engine.begin(by="anna") as work:
        withdraw_task(work, task_at(process_engine, "a"), reason="-")  # not done yet
    do(process_engine, "a")
    done = do(process_engine, "b")
    with pytest.raises(OperationNotAllowed), process_engine.begin(by="anna") as work:
        withdraw_task(work, done, reason="-")  # not allowed there


# ---- signers ---------------------------------------------------------------------------------------------------------
SIGNERS = (
    '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="one">{}'
    "</multiInstanceLoopCharacteristics>"
)
HALF = "<completionCondition>nrOfCompletedInstances * 2 &gt;= nrOfInstances</completionCondition>"


def test_signers_come_and_go(process_engine: ProcessEngine, begin: Begin) -> None:
    words = "add_signer remove_signer"
    instance_id = begin(user("a", words, SIGNERS.format(HALF), "${one}"), "s a", "a e", people=["anna", "bert"])
    mine = task_at(process_engine, "a", "anna")
    with process_engine.begin(by="anna") as work:
        add_signer(work, mine, "cara", reason="请协助")
        add_signer(work, mine, "dora", reason="请协助")
    with process_engine.read() as work:
        assert [row.assignee for row in open_tasks(work)] == ["anna", "bert", "cara", "dora"]
    with pytest.raises(SignerThere), process_engine.begin(by="anna") as work:
        add_signer(work, mine, "cara", reason="-")
    with process_engine.begin(by="anna") as work:
        remove_signer(work, mine, task_at(process_engine, "a", "bert"), reason="出差")
    do(process_engine, "a")
    with pytest.raises(OperationNotAllowed), process_engine.begin(by="cara") as work:
        remove_signer(work, task_at(process_engine, "a", "cara"), mine, reason="-")  # done already
    with process_engine.begin(by="cara") as work:  # one of two is half
        remove_signer(work, task_at(process_engine, "a", "cara"), task_at(process_engine, "a", "cara"), reason="-")
    assert state_of(process_engine, instance_id) == "ended"
    with process_engine.read() as work:
        entries = [(entry.kind, entry.detail.get("person")) for entry in list_entries(work, instance_id)]
    assert entries == [
        ("started", None),
        ("signer_added", "cara"),
        ("signer_added", "dora"),
        ("signer_removed", "bert"),
        ("completed", None),
        ("signer_removed", "cara"),
        ("ended", None),
    ]


def test_signers_in_turn_come_before_after_or_last(process_engine: ProcessEngine, begin: Begin) -> None:
    loop = SIGNERS.format("").replace("Characteristics ", 'Characteristics isSequential="true" ', 1)
    instance_id = begin(user("a", "add_signer", loop, "${one}"), "s a", "a e", people=["anna", "bert"])
    places: list[tuple[str, Place]] = [("cara", "after"), ("dora", "last"), ("emil", "before")]
    mine = task_at(process_engine, "a", "anna")
    for person_id, place in places:
        with process_engine.begin(by="anna") as work:
            add_signer(work, mine, person_id, reason="请协助", place=place)
    with pytest.raises(TaskAlreadyCompleted), process_engine.begin(by="anna") as work:
        add_signer(work, mine, "fred", reason="-")  # it ended, and begins anew
    signed = []
    while state_of(process_engine, instance_id) == "running":
        with process_engine.read() as work:
            (row,) = open_tasks(work)
        signed.append(row.assignee)
        do(process_engine, "a")
    assert signed == ["emil", "anna", "cara", "bert", "dora"]
    with process_engine.read() as work:
        told = [each.detail for each in list_entries(work, instance_id) if each.kind == "signer_added"]
    assert [(each["person"], each["place"]) for each in told] == places
    begin(user("b", "add_signer", SIGNERS.format(""), "${one}"), "s b", "b e", people=["anna"])
    with pytest.raises(SignersTogether), process_engine.begin(by="anna") as work:
        add_signer(work, task_at(process_engine, "b", "anna"), "cara", reason="-", place="after")


def test_who_cannot_be_added(process_engine: ProcessEngine, begin: Begin) -> None:
    count = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
    begin(user("a", "add_signer") + user("b", "add_signer", count) + user("c", "add_signer", SIGNERS.format("")),
          "s a", "a b", "b c", "c e", people=["x"])  # fmt: skip
    with pytest.raises(OperationNotSupported), process_engine.begin(by="anna") as work:
        add_signer(work, task_at(process_engine, "a"), "cara", reason="-")
    do(process_engine, "a")
    with pytest.raises(SignerNotTaken), process_engine.begin(by="anna") as work:
        add_signer(work, task_at(process_engine, "b"), "cara", reason="-")
    do(process_engine, "b", "b")
    with pytest.raises(SignerNotTaken), process_engine.begin(by="anna") as work:
        add_signer(work, task_at(process_engine, "c"), "cara", reason="-")


def test_delegation_comes_back(process_engine: ProcessEngine, begin: Begin) -> None:
    instance_id = begin(user("a", "delegate"), "s a", "a e")
    task_id = task_at(process_engine, "a")
    with pytest.raises(OperationNotAllowed), process_engine.begin(by="anna") as work:
        hand_back_task(work, task_id, reason="-")
    with process_engine.begin(by="anna") as work:
        delegate_task(work, task_id, "bert", reason="代拟")
        assert (get_task(work, task_id).owner, get_task(work, task_id).assignee) == ("anna", "bert")
    with process_engine.begin(by="bert") as work:
        hand_back_task(work, task_id, reason="已拟好")
        assert (get_task(work, task_id).owner, get_task(work, task_id).assignee) == (None, "anna")
        kinds = [(entry.kind, entry.by) for entry in list_entries(work, instance_id)]
    assert kinds == [("started", "anna"), ("delegated", "anna"), ("handed_back", "bert")]


def test_what_is_done_and_undone_adds_up(process_engine: ProcessEngine, begin: Begin) -> None:
    """Opened, less completed and cancelled, is open: the history tells where the instance stands."""
    instance_id = begin(FORK, *FLOWS)
    for _ in range(3):
        done = do(process_engine, "a")
        with process_engine.begin(by="anna") as work:
            withdraw_task(work, done, reason="-")
        do(process_engine, "a", "b", "c")
        with process_engine.read() as work:
            assert [target.element_id for target in return_targets(work, task_at(process_engine, "d"))] == ["c", "b", "a"]
        with process_engine.begin(by="anna") as work:
            return_task(work, task_at(process_engine, "d"), "b", reason="-")
        do(process_engine, "b")
        with process_engine.begin(by="anna") as work:
            return_task(work, task_at(process_engine, "d"), "a", reason="-")
    with process_engine.read() as work:
        counts: Counter[str] = Counter()
        for entry in list_entries(work, instance_id):
            counts.update(entry.detail.get("opened", ()))
            counts.subtract(
                each for each in (*entry.detail.get("passed", ()), *entry.detail.get("cancelled", ())) if each in "abcd"
            )
        rows = work.connection.execute(sa.select(user_task.c.element_id).where(user_task.c.state == "open")).scalars().all()
        assert +counts == Counter(rows) == Counter(element for _, element in instance_positions(work, instance_id))
