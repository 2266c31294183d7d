"""Copies (抄送): an official shows a case, or a step of it, to colleagues who handle it too, with a line of text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.tables import user_task
from engine.work import Work
from workflows.desk.notifications import Told
from workflows.desk.telling import tell
from workflows.forms import clean_text
from workflows.people import Person
from workflows.rules import can, case_subject
from workflows.tables import case_copy, person
from workflows.talk.remarks import hold_talk, list_talkers

LONGEST = 500
"""Characters of the line that goes along."""
MOST = 50
"""Colleagues who get one copy."""


class CopyInvalid(Problem):
    """Nobody was chosen, somebody who may not read the case, or the line is too long; `findings` tell which."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy as it is shown; `step` names the task that it is about, where that is still on the desk."""

    sender: str
    receiver: str
    text: str
    step: str | None
    at: datetime


def copy_case(
    work: Work, sender: Person, case_id: str, receivers: Iterable[str], text: str = "", *, task_id: str | None = None
) -> int:
    """Show the case to these colleagues; how many there are. `task_id` names the step that it is about.

    Raises CaseUnknown, NotPermitted, CopyInvalid with all faults.
    """
    case = hold_talk(work, sender, case_id)
    text = clean_text(text)
    chosen = [each for each in dict.fromkeys(receivers) if each]
    allowed = {each.id for each in list_talkers(work, case) if each.id != sender.id}
    faults = []
    if not 0 < len(chosen) <= MOST:
        faults.append(Finding("CopyNobody", path="receivers", values={"most": MOST}))
    if strangers := len(set(chosen) - allowed):
        faults.append(Finding("CopyStranger", path="receivers", values={"count": strangers}))
    if len(text) > LONGEST:
        faults.append(Finding("CopyText", path="text", values={"most": LONGEST, "count": len(text)}))
    if faults:
        raise CopyInvalid(findings=faults)
    step = None
    if task_id is not None:
        of_case = sa.select(user_task.c.name).where(user_task.c.id == task_id, user_task.c.business_key == case.number)
        step = work.connection.execute(of_case).scalar()
    about = {"case_id": case.id, "task_id": task_id if step is not None else None, "sender_id": sender.id, "text": text}
    rows = [{"id": new_id(), **about, "receiver_id": each, "at": work.now} for each in chosen]
    work.connection.execute(sa.insert(case_copy), rows)
    values = {"number": case.number, "text": text, "step": step or ""}
    tell(work, chosen, Told("copy", case.campaign_id, case.id, about["task_id"], values))
    return len(chosen)


def list_copies(work: Work, reader: Person, case_id: str) -> list[Copy]:
    """To whom the case was shown, in order; nothing for who may not talk about it."""
    if not can(reader, "case.copy", case_subject(work, case_id)):
        return []
    sender, receiver = person.alias("sender"), person.alias("receiver")
    query = (
        sa.select(case_copy, sender.c.name.label("from"), receiver.c.name.label("to"), user_task.c.name.label("step"))
        .join(sender, sender.c.id == case_copy.c.sender_id)
        .join(receiver, receiver.c.id == case_copy.c.receiver_id)
        .outerjoin(user_task, user_task.c.id == case_copy.c.task_id)
        .where(case_copy.c.case_id == case_id)
        .order_by(case_copy.c.at, case_copy.c.id)
    )
    return [Copy(row._mapping["from"], row.to, row.text, row.step, row.at) for row in work.connection.execute(query)]
