"""What people do with a user task: claim, complete, return, transfer, delegate. Each leaves a row in the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.automatic import raise_at
from engine.definitions import get_definition
from engine.errors import BpmnThrow, OperationNotAllowed, TaskAlreadyClaimed, TaskAlreadyCompleted, TaskChanged, TaskUnknown
from engine.history import record_entry
from engine.kernel import Complete, Move
from engine.model import place_of
from engine.runs import Run
from engine.statements import HOLD_TASK, HOLD_TASKS, READ_TASK
from engine.states import called_in, definition_of, link_called, read_state
from engine.tables import history, user_task, user_task_candidate
from engine.work import Work, recalled


@dataclass(frozen=True, slots=True)
class ReturnTarget:
    """A completed step that a task may be returned to."""

    element_id: str
    name: str


@recalled
def get_task(work: Work, task_id: str) -> sa.Row[Any]:
    """The row of a user task, whatever its state.

    Raises TaskUnknown.
    """
    row = work.connection.execute(READ_TASK, {"of_id": task_id}).one_or_none()
    if row is None:
        raise TaskUnknown()
    return row


def hold_task(work: Work, task_id: str) -> sa.Row[Any]:
    """The row of a user task, with its instance (`engine.statements.STATE`); nobody else changes them in this unit of work.

    That comes before any other lock; the order of locks is the same everywhere.
    Raises TaskUnknown.
    """
    work.writes.write(work.connection)
    row = work.connection.execute(HOLD_TASK, {"of_id": task_id}).one_or_none()
    if row is None:
        raise TaskUnknown()
    return row


def hold_tasks(work: Work, task_ids: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """The rows of several user tasks by id, as `hold_task` gives them, their instances locked in the order of their ids.

    Those of which an instance has two are locked, but not given: a row tells how things are before the first one is done.
    """
    work.writes.write(work.connection)
    rows = work.connection.execute(HOLD_TASKS, {"of_ids": sorted(set(task_ids))}).all()
    times = Counter(row.instance_id for row in rows)
    return {row.id: row for row in rows if times[row.instance_id] == 1}


def list_candidates(work: Work, task_id: str) -> set[tuple[str, str]]:
    """(kind, candidate) of all who may claim it: kind is `group` or `user`."""
    query = sa.select(user_task_candidate.c.kind, user_task_candidate.c.candidate).where(user_task_candidate.c.task_id == task_id)
    return {(row.kind, row.candidate) for row in work.connection.execute(query)}


def claim_task(work: Work, task_id: str, person_id: str) -> None:
    """Take an unclaimed task (签收). Claiming what one has already is no fault.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed.
    """
    row = _lock(work, task_id)
    if row.assignee == person_id:
        return
    if row.assignee is not None:
        raise TaskAlreadyClaimed()
    _change(work, row, "claimed", assignee=person_id, claimed_at=work.now)


def unclaim_task(work: Work, task_id: str) -> None:
    """Put a task back for its candidates.

    Raises TaskUnknown, TaskAlreadyCompleted; OperationNotAllowed when nobody else could take it.
    """
    row = _lock(work, task_id)
    if row.assignee is None:
        return
    if not list_candidates(work, task_id):
        raise OperationNotAllowed()
    _change(work, row, "unclaimed", assignee=None, claimed_at=None)


def transfer_task(work: Work, task_id: str, person_id: str, *, reason: str) -> None:
    """Give an open task to another person for good (转办).

    Raises TaskUnknown, TaskAlreadyCompleted.
    """
    row = _lock(work, task_id)
    _change(
        work,
        row,
        "transferred",
        {"from": row.assignee, "to": person_id, "reason": reason},
        assignee=person_id,
        claimed_at=work.now,
    )


def delegate_task(work: Work, task_id: str, person_id: str, *, reason: str) -> None:
    """Let another person prepare an open task (委托); it stays its owner's, who completes it when it comes back.

    Raises TaskUnknown, TaskAlreadyCompleted.
    """
    row = _lock(work, task_id)
    owner = row.owner or row.assignee or work.by
    values = {"from": row.assignee, "to": person_id, "reason": reason}
    _change(work, row, "delegated", values, owner=owner, assignee=person_id, claimed_at=work.now)


def hand_back_task(work: Work, task_id: str, *, reason: str) -> None:
    """A delegated task goes back to its owner.

    Raises TaskUnknown, TaskAlreadyCompleted; OperationNotAllowed for a task that is not delegated.
    """
    row = _lock(work, task_id)
    if row.owner is None:
        raise OperationNotAllowed()
    values = {"from": row.assignee, "to": row.owner, "reason": reason}
    _change(work, row, "handed_back", values, owner=None, assignee=row.owner, claimed_at=work.now)


def plan_task(work: Work, task_id: str, *, priority: int, follow_up_at: datetime | None) -> None:
    """How urgent an open task is, and when to look at it again. What a page shows of it to do stays good: same revision.

    Raises TaskUnknown, TaskAlreadyCompleted.
    """
    row = _lock(work, task_id)
    values = {"priority": priority, "follow_up_at": follow_up_at}
    work.connection.execute(user_task.update().where(user_task.c.id == task_id).values(values))
    noted = {"task": task_id, "priority": priority, "follow_up_at": follow_up_at and follow_up_at.isoformat()}
    record_entry(work, row.instance_id, "planned", element_id=row.element_id, token=row.token, detail=noted, held=row)


def complete_task(
    work: Work,
    task_id: str,
    variables: Mapping[str, Any],
    *,
    form: Mapping[str, Any] | None = None,
    revision: int | None = None,
    held: sa.Row[Any] | None = None,
) -> None:
    """Complete a task (办理): its `complete` listeners get `form`, what they return joins `variables`, the token goes on.

    A listener's `BpmnError` or `BpmnEscalation` is thrown at the task, as that of a service task is: an event at its border
    catches it.
    `revision` is the one that the page showed, `held` the task's row if it was locked before (`hold_tasks`).
    Raises TaskUnknown, TaskAlreadyCompleted, TaskChanged, InstanceNotRunning, StepFailed, and whatever a handler raises.
    """
    run, row = enter_task(work, task_id, revision, held)
    detail: dict[str, Any] = {"task": task_id}
    camunda, result = run.definition.model.nodes[row.element_id].camunda, {}
    withdrawable = "withdraw" in camunda.allowed
    before = run.tokens() if withdrawable else set()
    try:
        if "complete" in camunda.listeners:
            given = {**run.variables(row.token), **variables}
            result = run.listen(row.element_id, row.token, "complete", given, form=form or {}, task_id=task_id)
    except BpmnThrow as thrown:
        thrown.variables = {**variables, **thrown.variables}
        raise_at(run, row.token, row.element_id, thrown)
        run.settle()
        run.save("thrown", element_id=row.element_id, token=row.token, detail={**detail, "code": thrown.code})
        return
    run.step(Complete(row.token, {**variables, **result}))
    run.settle()
    if withdrawable:
        begun = run.tokens() - before
        detail["begun"] = sorted(begun)
        detail["armed"] = sorted({wait.token for wait in run.opened.values()} - begun)
    run.save("completed", element_id=row.element_id, token=row.token, detail=detail)


def return_targets(work: Work, task_id: str) -> list[ReturnTarget]:
    """Where a task may be returned to (退回): completed steps behind it that the diagram's properties name.

    Property `allow` holds `return`; `return_to` names `previous`, `applicant` (the first), `any` or element ids. Latest first.
    Raises TaskUnknown.
    """
    row = get_task(work, task_id)
    definition = definition_of(work, row.instance_id)
    camunda = definition.model.nodes[row.element_id].camunda
    if "return" not in camunda.allowed:
        return []
    steps = steps_behind(work, row)
    named = {"previous": steps[:1], "applicant": steps[-1:], "any": steps}
    own = row.element_id.removesuffix(place_of(row.element_id).element_id)  # ids in the diagram are those of its own definition
    chosen = {element for word in camunda.return_to or ("previous",) for element in named.get(word, [own + word])}
    return [
        ReturnTarget(step, definition.model.nodes[step].name or place_of(step).element_id) for step in steps if step in chosen
    ]


def steps_behind(work: Work, task: sa.Row[Any]) -> list[str]:
    """The completed steps that an open task's token can go back to, latest first. Its kernel knows; where it does not (an
    instance that an earlier version began, the second kernel), the history does.

    Raises InstanceUnknown.
    """
    definition, document = read_state(work, task.instance_id)
    behind = definition.kernel.behind(definition.model, definition.key, document, task.token)
    if behind is not None:
        return behind
    done = work.connection.execute(
        sa.select(history.c.element_id)
        .where(history.c.instance_id == task.instance_id, history.c.kind == "completed")
        .where(history.c.element_id != task.element_id)
        .order_by(history.c.seq)
    )
    nodes = definition.model.nodes
    return [element for element in dict.fromkeys(done.scalars()) if element in nodes][::-1]


def return_task(work: Work, task_id: str, target: str, *, reason: str, revision: int | None = None) -> None:
    """Send a case back to a completed step (退回); the task's token goes, timers of the target are armed anew. Whether it comes
    straight back is drawn at the step (`after_return`).

    Raises TaskUnknown, TaskAlreadyCompleted, TaskChanged, OperationNotAllowed when the diagram does not allow it,
    OperationNotSupported when the kernel cannot.
    """
    run, row = enter_task(work, task_id, revision)
    if target not in {step.element_id for step in return_targets(work, task_id)}:
        raise OperationNotAllowed()
    form = {"target": target, "reason": reason}
    variables = run.listen(row.element_id, row.token, "return", run.variables(row.token), form=form, task_id=task_id)
    run.step(Move((row.token,), target, variables, run.definition.model.nodes[row.element_id].camunda.straight))
    run.settle()
    run.save("returned", element_id=row.element_id, token=row.token, detail={"task": task_id, "to": target, "reason": reason})


def enter_task(work: Work, task_id: str, revision: int | None, held: sa.Row[Any] | None = None) -> tuple[Run, sa.Row[Any]]:
    """Lock the instance, then look at the task again: still open, at the revision that was shown?

    Raises TaskUnknown, TaskAlreadyCompleted, TaskChanged, InstanceNotRunning.
    """
    row = _lock(work, task_id, held)
    if revision is not None and row.revision != revision:
        raise TaskChanged(shown=revision, now=row.revision)
    return Run.resume(work, row), row


def _lock(work: Work, task_id: str, held: sa.Row[Any] | None = None) -> sa.Row[Any]:
    row = hold_task(work, task_id) if held is None else held
    if row.state != "open":
        raise TaskAlreadyCompleted()
    return row


def _change(work: Work, row: sa.Row[Any], kind: str, detail: Mapping[str, Any] | None = None, **values: Any) -> None:
    work.connection.execute(user_task.update().where(user_task.c.id == row.id).values(**values, revision=row.revision + 1))
    noted = {**(detail or {}), "task": row.id}
    if values.get("assignee") is None or not _tell_assigned(work, row, kind, noted, values["assignee"]):
        record_entry(work, row.instance_id, kind, element_id=row.element_id, token=row.token, detail=noted, held=row)


def _tell_assigned(work: Work, row: sa.Row[Any], kind: str, detail: Mapping[str, Any], assignee: str) -> bool:
    """Somebody gets an open task: its `assignment` listeners, with a row of `kind` in the history; False when there are none.

    Raises StepFailed, InstanceNotRunning, and whatever a handler raises.
    """
    model = link_called(work, get_definition(work, row.definition_id), called_in(row.document)).model
    if "assignment" not in model.nodes[row.element_id].camunda.listeners:
        return False
    run = Run.resume(work, row, states=("running", "suspended"))
    run.listen(row.element_id, row.token, "assignment", run.variables(row.token), form={"assignee": assignee}, task_id=row.id)
    run.save(kind, element_id=row.element_id, token=row.token, detail=detail)
    return True
