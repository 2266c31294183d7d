"""What people do with a step beyond completing it, where the diagram allows it: skip, withdraw, end a branch, signers.

Return, transfer and delegation are with the other ways of a task in `engine.tasks`. Each leaves one row in the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import mirror
from engine.errors import (
    NothingToWithdraw,
    OperationNotAllowed,
    SignerNotTaken,
    SignersTogether,
    SignerThere,
    SkipRefused,
    StepFailed,
    WithdrawalTooLate,
)
from engine.expressions import ExpressionFailed
from engine.instances import instance_positions
from engine.kernel import AddInstance, CancelBranch, Complete, Move, Place, RemoveInstance, WaitKind
from engine.model import MultiInstance, Node
from engine.preview import preview
from engine.runs import Run
from engine.states import definition_of
from engine.tables import history, user_task
from engine.tasks import claim_task, enter_task, get_task, hold_task
from engine.work import Work


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """How a completed step is taken back: the operation, and the open tasks that it takes away."""

    operation: Move
    tasks: tuple[str, ...]


def skip_task(work: Work, task_id: str, *, reason: str, revision: int | None = None) -> None:
    """Leave a step as done without its form (跳过); what its `skip` listeners return is written, its boundary timers go.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskChanged, OperationNotAllowed, InstanceNotRunning, SkipRefused, and whatever a
    handler raises.
    """
    run, row = enter_task(work, task_id, revision)
    require_drawn(run, row, "skip")
    variables = run.listen(row.element_id, row.token, "skip", run.variables(row.token), form={"reason": reason}, task_id=task_id)
    try:
        run.step(Complete(row.token, variables))
        run.settle()
    except StepFailed as problem:
        raise SkipRefused(element=row.name, reason=problem) from problem
    run.save("skipped", element_id=row.element_id, token=row.token, detail={"task": task_id, "reason": reason})


def cancel_branch(work: Work, task_id: str, *, reason: str, revision: int | None = None) -> None:
    """End the branch that a task is in (终止分支): the join behind it takes it as done.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskChanged, OperationNotAllowed, InstanceNotRunning, OperationNotSupported when
    nothing runs beside it or the kernel cannot.
    """
    run, row = enter_task(work, task_id, revision)
    require_drawn(run, row, "cancel_branch")
    run.step(CancelBranch(row.token))
    run.settle()
    run.save("branch_cancelled", element_id=row.element_id, token=row.token, detail={"task": task_id, "reason": reason})


# ---- signers ---------------------------------------------------------------------------------------------------------
def add_signer(
    work: Work, task_id: str, person_id: str, *, reason: str, place: Place = "last", revision: int | None = None
) -> None:
    """One more person for a multi-instance step that takes its people from its list (加签).

    Where they sign one after the other the person comes as the last, right after this task (后加签), or before it (前加签): this
    task ends, and begins anew when the person has signed.
    Raises TaskUnknown, TaskAlreadyCompleted, TaskChanged, OperationNotAllowed, InstanceNotRunning, SignerNotTaken, SignerThere,
    SignersTogether for a place where all sign at once, and OperationNotSupported for a step that is no multi-instance activity.
    """
    run, row = enter_task(work, task_id, revision)
    node = require_drawn(run, row, "add_signer")
    if isinstance(node.loop, MultiInstance) and not _takes(node, node.loop, person_id, run.variables(row.token)):
        raise SignerNotTaken(element=row.name)
    if place != "last" and not signs_in_turn(node):
        raise SignersTogether()
    if person_id in {each.assignee for each in list_signers(work, row)}:
        raise SignerThere()
    run.step(AddInstance(row.token, person_id, place))
    run.settle()
    detail = {"task": task_id, "person": person_id, "reason": reason} | ({"place": place} if signs_in_turn(node) else {})
    run.save("signer_added", element_id=row.element_id, token=row.token, detail=detail)


def remove_signer(work: Work, task_id: str, other_id: str, *, reason: str, revision: int | None = None) -> None:
    """Take an open task away from a multi-instance step (减签): that of another signer, or one's own. The step may be done then.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskChanged, OperationNotAllowed, InstanceNotRunning, StepFailed and
    OperationNotSupported.
    """
    run, row = enter_task(work, task_id, revision)
    require_drawn(run, row, "remove_signer")
    other = next((each for each in list_signers(work, row) if each.id == other_id), None)
    if other is None:
        raise OperationNotAllowed()
    run.step(RemoveInstance(other.token))
    run.settle()
    detail = {"task": other_id, "person": other.assignee, "reason": reason}
    run.save("signer_removed", element_id=row.element_id, token=other.token, detail=detail)


def signs_in_turn(node: Node) -> bool:
    """Whether several sign at a step one after the other."""
    return isinstance(node.loop, MultiInstance) and node.loop.sequential


def list_signers(work: Work, task: sa.Row[Any]) -> list[sa.Row[Any]]:
    """The open tasks of the same step, in the order in which they began."""
    tokens = [token for token, element in instance_positions(work, task.instance_id) if element == task.element_id]
    query = sa.select(user_task).where(
        user_task.c.instance_id == task.instance_id, user_task.c.token.in_(tokens), user_task.c.state == "open"
    )
    return list(work.connection.execute(query.order_by(user_task.c.id)).all())


def _takes(node: Node, loop: MultiInstance, person_id: str, variables: dict[str, Any]) -> bool:
    """Whether an instance with this item would be the person's."""
    if loop.item is None or loop.collection is None:
        return False
    try:
        assignee, candidates = mirror.find_people(node.camunda, {**variables, loop.item: person_id})
    except ExpressionFailed:
        return False
    return assignee == person_id or ("user", person_id) in candidates


# ---- taking back -----------------------------------------------------------------------------------------------------
def find_withdrawal(work: Work, task_id: str) -> Withdrawal:
    """How a completed step can be taken back (撤回): as long as all that began by it is still there, nobody has claimed or done
    it, and nothing else has happened that would be lost.

    Raises TaskUnknown, OperationNotAllowed for a task that is not completed or whose step does not allow it, NothingToWithdraw,
    WithdrawalTooLate, OperationNotSupported.
    """
    row = get_task(work, task_id)
    model = definition_of(work, row.instance_id).model
    node = model.nodes[row.element_id]
    if row.state != "completed" or "withdraw" not in node.camunda.allowed:
        raise OperationNotAllowed()
    query = sa.select(history.c.detail).where(
        history.c.instance_id == row.instance_id, history.c.kind == "completed", history.c.token == row.token
    )
    detail: dict[str, Any] = work.connection.execute(query.order_by(history.c.seq.desc()).limit(1)).scalar_one_or_none() or {}
    begun: list[str] = detail.get("begun", [])
    if not begun or node.loop is not None:
        raise NothingToWithdraw()
    if not set(begun) <= {token for token, _ in instance_positions(work, row.instance_id)}:
        raise WithdrawalTooLate(element=_name_next(work, row, begun) or row.name)
    operation = Move(tuple(begun), row.element_id)
    seen = preview(work, row.instance_id, operation)
    known = {*begun, *detail.get("armed", ())}
    for each in seen.cancelled:
        if each.token not in known or each.task is not None and each.task.claimed_at is not None:
            raise WithdrawalTooLate(element=each.name)
    return Withdrawal(operation, tuple(each.task.id for each in seen.cancelled if each.task is not None))


def withdraw_task(work: Work, task_id: str, *, reason: str) -> str:
    """Take a completed step back (撤回): it is open again, and `work.by` claims it; the id of the new task.

    Its `withdraw` listeners are called before. Raises what `find_withdrawal` raises, InstanceNotRunning, StepFailed, and
    whatever a handler raises.
    """
    row = hold_task(work, task_id)
    found = find_withdrawal(work, task_id)
    run = Run.load(work, row.instance_id)
    token = found.operation.tokens[0]
    form = {"reason": reason}
    variables = run.listen(row.element_id, token, "withdraw", run.variables(token), form=form, task_id=task_id)
    run.step(Move(found.operation.tokens, row.element_id, variables))
    opened = [wait.token for wait in run.opened.values() if wait.kind is WaitKind.TASK and wait.element_id == row.element_id]
    run.settle()
    run.save("withdrawn", element_id=row.element_id, token=row.token, detail={"task": task_id, "reason": reason})
    query = sa.select(user_task).where(user_task.c.instance_id == row.instance_id, user_task.c.token.in_(opened))
    again = work.connection.execute(query).one()
    if again.assignee is None and work.by is not None:
        claim_task(work, again.id, work.by)
    return str(again.id)


def _name_next(work: Work, row: sa.Row[Any], begun: list[str]) -> str | None:
    """What was begun and is gone."""
    query = sa.select(user_task.c.name).where(
        user_task.c.instance_id == row.instance_id, user_task.c.token.in_(begun), user_task.c.state != "open"
    )
    return work.connection.execute(query.limit(1)).scalar_one_or_none()


def require_drawn(run: Run, row: sa.Row[Any], word: str) -> Node:
    """The node of a task whose step allows an operation (property `allow`).

    Raises OperationNotAllowed.
    """
    node = run.definition.model.nodes[row.element_id]
    if word not in node.camunda.allowed:
        raise OperationNotAllowed()
    return node
