"""What the diagram lets people do with a step beyond completing it, each with a reason and a preview of what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from engine import operations, tasks
from engine.errors import OperationNotAllowed, Problem, SignersTogether, SkipRefused, StepFailed, TaskChanged
from engine.kernel import AddInstance, CancelBranch, Complete, Move, Operation, Place, RemoveInstance
from engine.preview import Affected, preview
from engine.tables import user_task
from engine.work import Work
from workflows.inbox.acting import (
    SignerRefused,
    act_for,
    check_reason,
    drop_drafts,
    require_doable,
    resume_drafts,
    return_,
    see_task,
    tell_about,
)
from workflows.inbox.preparing import find_node
from workflows.inbox.viewing import drawn_operations, find_targets, find_way_back, name_colleague
from workflows.people import Person, PersonUnknown, get_person
from workflows.rules import HelperSubject, TaskSubject, can
from workflows.tables import draft

OPERATIONS = ("return", "withdraw", "skip", "add_signer", "remove_signer", "cancel_branch", "delegate", "hand_back")
PLACES: tuple[Place, ...] = get_args(Place)


class OperationUnknown(Problem):
    """No such operation on a task; `known` are those there are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation with what it needs: whereto a `return` leads, who is added or delegated to, whose task is removed, and for a
    signer of a sequence `place`: before or after the task, or as the last (nothing said: the last)."""

    operation: str
    reason: str = ""
    target: str = ""
    person: str = ""
    task: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that would be cancelled or begun. `kind` is a wait's kind or `scope`; `holder` the person who has a task, as far
    as the reader may know (a colleague of an organisation of the reader's); `taken`: somebody has claimed it."""

    kind: str
    element_id: str
    name: str
    holder: str | None
    taken: bool
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class OperationPreview:
    """What an operation would do now, `ends`: nothing would be left of the process. `straight`: what is returned comes straight
    back, and not by all steps again."""

    cancelled: tuple[Line, ...]
    started: tuple[Line, ...]
    ends: bool
    straight: bool = False


def preview_operation(work: Work, person: Person, task_id: str, asked: Asked) -> OperationPreview:
    """What the operation would do, if it was done now; nothing is changed.

    Raises what doing it raises, but for listeners' refusals.
    """
    subject = _require(work, person, task_id, asked)
    row = tasks.get_task(work, task_id)
    step = STEPS.get(asked.operation)
    if step is None:
        if asked.operation == "delegate":
            _helper(work, person, subject, asked)
        return OperationPreview((), (), ends=False)
    try:
        seen = preview(work, row.instance_id, step(work, person, row, subject, asked))
    except StepFailed as problem:
        if asked.operation != "skip":
            raise
        raise SkipRefused(element=row.name, reason=problem) from problem

    def tell(each: Affected) -> Line:
        task = each.task
        taken = task is not None and task.claimed_at is not None
        holder = None if task is None or task.assignee is None else name_colleague(work, person, task.assignee)
        return Line(each.kind, each.element_id, each.name, holder, taken, each.due_at)

    return OperationPreview(tuple(map(tell, seen.cancelled)), tuple(map(tell, seen.started)), seen.ends, seen.straight)


def operate(work: Work, person: Person, task_id: str, asked: Asked, *, revision: int | None = None) -> None:
    """Do it.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted, ReasonRequired, OperationUnknown, SignersTogether,
    OperationNotAllowed, OperationNotSupported, TaskChanged, SignerRefused, NothingToWithdraw, WithdrawalTooLate, SignerNotTaken,
    SignerThere, SkipRefused, InstanceNotRunning, StepFailed.
    """
    if asked.operation == "return":
        return_(work, person, task_id, asked.target, asked.reason, revision=revision)
        return
    _require(work, person, task_id, asked)
    row = tasks.hold_task(work, task_id)
    subject = _require(work, person, task_id, asked)
    act_for(work, person, subject)
    if revision is not None and row.revision != revision:
        raise TaskChanged(shown=revision, now=row.revision)
    reason = check_reason(asked.reason)
    if asked.operation == "skip":
        operations.skip_task(work, task_id, reason=reason)
    elif asked.operation == "cancel_branch":
        operations.cancel_branch(work, task_id, reason=reason)
    elif asked.operation == "withdraw":
        find_way_back(work, row)
        operations.withdraw_task(work, task_id, reason=reason)
    elif asked.operation == "add_signer":
        signer = _helper(work, person, subject, asked)
        operations.add_signer(work, task_id, signer.id, reason=reason, place=_place(asked))
        if (its := _newest_of(work, row, signer)) is not None:  # else it is not the signer's turn yet
            tell_about(work, "assigned", [signer.id], its)
    elif asked.operation == "remove_signer":
        operations.remove_signer(work, task_id, asked.task, reason=reason)
        drop_drafts(work, asked.task)
    elif asked.operation == "delegate":
        helper = _helper(work, person, subject, asked)
        tasks.delegate_task(work, task_id, helper.id, reason=reason)
        tell_about(work, "delegated", [helper.id], row)
    else:
        _hand_over_draft(work, row)
        tasks.hand_back_task(work, task_id, reason=reason)
        tell_about(work, "handed_back", [row.owner] if row.owner else [], row)
    if asked.operation in ("skip", "cancel_branch"):
        drop_drafts(work, task_id)
    if asked.operation in ("skip", "remove_signer"):
        resume_drafts(work, row, find_node(work, row))


def _require(work: Work, person: Person, task_id: str, asked: Asked) -> TaskSubject:
    """The task's facts, when the person may do this and the diagram allows it."""
    if asked.operation not in OPERATIONS:
        raise OperationUnknown(known=", ".join(OPERATIONS))
    subject = see_task(work, person, task_id)
    require_doable(person, f"task.{asked.operation}", subject)
    if asked.operation != "hand_back" and asked.operation not in drawn_operations(work, tasks.get_task(work, task_id)):
        raise OperationNotAllowed()
    return subject


# ---- the step that each makes ----------------------------------------------------------------------------------------
def _return(work: Work, person: Person, row: sa.Row[Any], subject: TaskSubject, asked: Asked) -> Operation:
    if asked.target not in {step.element_id for step in find_targets(work, row)}:
        raise OperationNotAllowed()
    return Move((row.token,), asked.target, straight=find_node(work, row).camunda.straight)


def _add(work: Work, person: Person, row: sa.Row[Any], subject: TaskSubject, asked: Asked) -> Operation:
    node, signer, place = find_node(work, row), _helper(work, person, subject, asked), _place(asked)
    if place != "last" and not operations.signs_in_turn(node):
        raise SignersTogether()
    return AddInstance(row.token, signer.id, place)


def _remove(work: Work, person: Person, row: sa.Row[Any], subject: TaskSubject, asked: Asked) -> Operation:
    token = next((each.token for each in operations.list_signers(work, row) if each.id == asked.task), None)
    if token is None:
        raise OperationNotAllowed()
    return RemoveInstance(token)


STEPS: dict[str, Callable[[Work, Person, sa.Row[Any], TaskSubject, Asked], Operation]] = {
    "return": _return,
    "withdraw": lambda work, person, row, subject, asked: find_way_back(work, row),
    "skip": lambda work, person, row, subject, asked: Complete(row.token),
    "cancel_branch": lambda work, person, row, subject, asked: CancelBranch(row.token),
    "add_signer": _add,
    "remove_signer": _remove,
}
"""The operations that move the process; delegation only changes who has the task."""


def _place(asked: Asked) -> Place:
    """Where in a sequence a signer comes. Raises OperationUnknown for another word."""
    found = next((place for place in PLACES if place == (asked.place or "last")), None)
    if found is None:
        raise OperationUnknown(known=", ".join(PLACES))
    return found


def _helper(work: Work, person: Person, subject: TaskSubject, asked: Asked) -> Person:
    """Whom the person may ask. Raises SignerRefused."""
    try:
        helper = get_person(work, asked.person)
    except PersonUnknown as unknown:
        raise SignerRefused() from unknown  # no probing for ids of persons
    if helper.id == person.id or not can(helper, "person.help", HelperSubject(subject.candidates, person.groups)):
        raise SignerRefused()
    return helper


def _newest_of(work: Work, row: sa.Row[Any], signer: Person) -> sa.Row[Any] | None:
    """The open task that the signer has at a step now."""
    own = user_task.c
    mine = sa.and_(own.instance_id == row.instance_id, own.element_id == row.element_id, own.assignee == signer.id)
    query = sa.select(user_task).where(mine, own.state == "open").order_by(own.created_at.desc(), own.id.desc())
    return work.connection.execute(query).first()


def _hand_over_draft(work: Work, row: sa.Row[Any]) -> None:
    """What the person typed who prepared the task is the owner's draft now."""
    typed = sa.and_(draft.c.task_id == row.id, draft.c.person_id == row.assignee)
    if row.owner is None or row.owner == row.assignee or not work.connection.execute(sa.select(draft).where(typed)).first():
        return
    work.connection.execute(sa.delete(draft).where(draft.c.task_id == row.id, draft.c.person_id == row.owner))
    work.connection.execute(sa.update(draft).where(typed).values(person_id=row.owner))
