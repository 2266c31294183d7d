"""What people do with a task beside completing it: claim, put back, return, transfer, keep a draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from engine import tasks
from engine.errors import OperationNotAllowed, Problem, TaskAlreadyClaimed, TaskAlreadyCompleted, TaskUnknown
from engine.model import Node
from engine.operations import signs_in_turn
from engine.tables import user_task
from engine.work import Work
from workflows.desk.notifications import Told
from workflows.desk.telling import tell
from workflows.forms import clean_text
from workflows.inbox.viewing import drawn_operations, find_targets
from workflows.people import Person, PersonUnknown, get_person
from workflows.rules import NotPermitted, TaskSubject, can, task_subject
from workflows.tables import attachment, case, draft

LARGEST_DRAFT = 2_000_000
"""Bytes of a draft's JSON: far above any form, far below what would hurt."""
LONGEST_REASON = 1_000


class ReasonRequired(Problem):
    """Whoever returns or transfers a task says why, in at most `LONGEST_REASON` characters."""


class TransferRefused(Problem):
    """The task can only go to a member of its own groups."""


class SignerRefused(Problem):
    """Only who belongs to the step's groups (where it has none, to one of the asking person's) can be asked."""


class DraftTooLarge(Problem):
    """More was typed than a draft holds."""


def claim(work: Work, person: Person, task_id: str) -> None:
    """Take a task of one's groups (签收). Claiming one's own task again is no fault.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted.
    """
    subject = see_task(work, person, task_id)
    if subject.assignee != person.id:
        require_doable(person, "task.claim", subject)
    tasks.claim_task(work, task_id, person.id)


def unclaim(work: Work, person: Person, task_id: str) -> None:
    """Put one's task back for its groups.

    Raises TaskUnknown, TaskAlreadyCompleted, NotPermitted.
    """
    hold_doable(work, person, "task.unclaim", task_id)
    tasks.unclaim_task(work, task_id)


def return_(work: Work, person: Person, task_id: str, target: str, reason: str, *, revision: int | None = None) -> None:
    """Send the case back to a completed step (退回), where the diagram allows it; the person's draft goes.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted, ReasonRequired, OperationNotAllowed, TaskChanged.
    """
    row, _ = hold_doable(work, person, "task.return", task_id)
    if target not in {step.element_id for step in find_targets(work, row)}:
        raise OperationNotAllowed()
    tasks.return_task(work, task_id, target, reason=check_reason(reason), revision=revision)
    drop_drafts(work, task_id)
    _tell_returned(work, row, target)


def transfer(work: Work, person: Person, task_id: str, to_person_id: str, reason: str) -> None:
    """Give the task to a colleague of its groups for good (转办), where the diagram allows it.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted, ReasonRequired, OperationNotAllowed and
    TransferRefused.
    """
    row, subject = hold_doable(work, person, "task.transfer", task_id)
    if "transfer" not in drawn_operations(work, row):
        raise OperationNotAllowed()
    try:
        receiver = get_person(work, to_person_id)
    except PersonUnknown as unknown:
        raise TransferRefused() from unknown  # no probing for ids of persons
    if not can(receiver, "task.receive", subject):
        raise TransferRefused()
    tasks.transfer_task(work, task_id, receiver.id, reason=check_reason(reason))
    tell_about(work, "assigned", [receiver.id], row)


def _tell_returned(work: Work, row: sa.Row[Any], target: str) -> None:
    """Whoever did the step last to which the case was returned is told; so is who has it again."""
    own = user_task.c
    at_step = sa.and_(own.instance_id == row.instance_id, own.element_id == target)
    found = work.connection.execute(sa.select(user_task).where(at_step).order_by(own.created_at.desc(), own.id.desc())).all()
    again = next((each for each in found if each.state == "open"), None)
    last = max((each for each in found if each.closed_by is not None), key=lambda each: each.closed_at, default=None)
    if again is not None:
        people = [again.assignee, None if last is None else last.closed_by]
        tell_about(work, "returned", [each for each in people if each is not None], again)


def tell_about(work: Work, kind: str, people: Iterable[str], row: sa.Row[Any]) -> None:
    """Tell people that something was done with a task that concerns them now."""
    of_case = sa.select(case.c.id, case.c.campaign_id).where(case.c.number == row.business_key)
    found = work.connection.execute(of_case).one_or_none()
    values = {"number": row.business_key, "step": row.name}
    campaign_id, case_id = (None, None) if found is None else (found.campaign_id, found.id)
    tell(work, people, Told(kind, campaign_id, case_id, row.id, values))


def save_draft(work: Work, person: Person, task_id: str, data: Mapping[str, Any], *, revision: int) -> None:
    """Keep what was typed, unchecked, for this person alone; it is shown again with the task and goes when it is completed.

    Raises TaskUnknown, TaskAlreadyCompleted, NotPermitted, DraftTooLarge.
    """
    subject = see_task(work, person, task_id)
    require_doable(person, "task.draft", subject)
    keep_draft(work, person, task_id, data, revision=revision)


def read_draft(work: Work, person: Person, task_id: str) -> tuple[Mapping[str, Any], datetime | None]:
    """What the person kept for a task, and when; nothing at all when nothing was kept.

    Raises TaskUnknown.
    """
    see_task(work, person, task_id)
    query = sa.select(draft).where(draft.c.task_id == task_id, draft.c.person_id == person.id)
    row = work.connection.execute(query).one_or_none()
    return ({}, None) if row is None else (row.data, row.saved_at)


def keep_draft(work: Work, person: Person, task_id: str, data: Mapping[str, Any], *, revision: int) -> None:
    """Write the draft of a task that the person may see, whatever became of the task.

    Raises DraftTooLarge.
    """
    if len(orjson.dumps(data)) > LARGEST_DRAFT:
        raise DraftTooLarge()
    values = {"data": dict(data), "task_revision": revision, "saved_at": work.now}
    change = sa.update(draft).where(draft.c.task_id == task_id, draft.c.person_id == person.id).values(values)
    if work.connection.execute(change).rowcount > 0:
        return
    try:
        with work.connection.begin_nested():
            work.connection.execute(sa.insert(draft).values(task_id=task_id, person_id=person.id, **values))
    except sa.exc.IntegrityError:  # the same person's other page wrote it at this moment
        work.connection.execute(change)


def drop_drafts(work: Work, task_id: str) -> None:
    """Forget all drafts of a task that is done."""
    work.connection.execute(_DROP, {"task": task_id})


def resume_drafts(work: Work, row: sa.Row[Any], node: Node) -> None:
    """Where several sign a step in turn: who let somebody sign before goes on, in the task that comes anew, with what was typed
    and uploaded for the one that ended."""
    if not signs_in_turn(node):
        return
    own, gone, newer = user_task.c, user_task.alias("gone"), draft.alias("newer")
    again = sa.select(draft.c.task_id, draft.c.person_id, own.id).join(gone, gone.c.id == draft.c.task_id)
    again = again.join(user_task, sa.and_(own.instance_id == gone.c.instance_id, own.element_id == gone.c.element_id))
    again = again.where(own.instance_id == row.instance_id, own.element_id == row.element_id, own.state == "open")
    again = again.where(gone.c.state == "cancelled", gone.c.assignee == own.assignee, draft.c.person_id == own.assignee)
    again = again.where(~sa.exists().where(newer.c.task_id == own.id, newer.c.person_id == own.assignee))
    last = {new: (old, person_id) for old, person_id, new in work.connection.execute(again.order_by(draft.c.saved_at))}
    for new, (old, person_id) in last.items():
        typed = sa.and_(draft.c.task_id == old, draft.c.person_id == person_id)
        work.connection.execute(sa.update(draft).where(typed).values(task_id=new))
        sent = sa.and_(attachment.c.task_id == old, attachment.c.uploaded_by == person_id)
        work.connection.execute(sa.update(attachment).where(sent).values(task_id=new))


_DROP = sa.delete(draft).where(draft.c.task_id == sa.bindparam("task"))


def see_task(work: Work, person: Person, task_id: str) -> TaskSubject:
    """The facts of a task that the person may see.

    Raises TaskUnknown for all others, existing or not.
    """
    subject = task_subject(work, task_id)
    if not can(person, "task.read", subject):
        raise TaskUnknown()
    return subject


def hold_doable(work: Work, person: Person, action: str, task_id: str) -> tuple[sa.Row[Any], TaskSubject]:
    """The row and the facts of a task with which the person may do this now, and until the end of the unit of work.

    They are asked again behind the lock: meanwhile the task may have become somebody else's.
    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted.
    """
    see_task(work, person, task_id)
    row = tasks.hold_task(work, task_id)
    subject = see_task(work, person, task_id)
    require_doable(person, action, subject)
    act_for(work, person, subject)
    return row, subject


def act_for(work: Work, person: Person, subject: TaskSubject) -> None:
    """What is done with the task from here on is recorded as done for who is away, where the person only stands in (代办)."""
    own = subject.assignee == person.id or (subject.assignee is None and can(person, "task.receive", subject))
    work.on_behalf_of = None if own else subject.find_absent(person.id)


def require_doable(person: Person, action: str, subject: TaskSubject) -> None:
    """Nothing when the person may do this with the task, else the reason that helps most.

    Raises TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted.
    """
    if can(person, action, subject):
        return
    if subject.state != "open":
        raise TaskAlreadyCompleted()
    if subject.assignee not in (None, person.id) and can(person, "task.receive", subject):
        raise TaskAlreadyClaimed()
    raise NotPermitted(action=action)


def check_reason(reason: str) -> str:
    """The reason as it is kept. Raises ReasonRequired."""
    text = clean_text(reason, lines=True)
    if not text or len(text) > LONGEST_REASON:
        raise ReasonRequired(most=LONGEST_REASON)
    return text
