"""A case is suspended (挂起), resumed or terminated (终止) by its campaign's organiser, with a reason that its history keeps.

Only while the campaign does not count on it: once its review runs, what a case comes to is decided with the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from engine.bulk import lock_instances
from engine.errors import Finding, Problem
from engine.instances import cancel_instance, resume_instance, suspend_instance
from engine.kernel import Cancel
from engine.preview import preview
from engine.tables import instance, user_task
from engine.work import Work
from workflows.desk.notifications import Told
from workflows.desk.telling import tell
from workflows.forms import clean_text
from workflows.mails import find_members, queue_letter
from workflows.people import Person, list_members
from workflows.rules import CaseSubject, CaseUnknown, can, case_subject, require
from workflows.tables import case

How = Literal["suspend", "resume", "terminate"]
STOPPABLE = ("submitted", "returned", "audited", "recommended", "accepted")
"""States in which a campaign goes on without the case: it is counted as withdrawn, or waited for while it is suspended."""
LONGEST_REASON = 500
LETTER = "case_terminated"


class StopInvalid(Problem):
    """The reason is missing or too long."""


class StopTooLate(Problem):
    """The case is at a stage in which its campaign counts on it, or it is over."""

    kind = "conflict"


class StopUnfit(Problem):
    """A case that rests is not suspended again, one that runs is not resumed."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Stopping:
    """What stopping a case would do now: `stops` names the steps and events that would be over with a termination.

    `rests`: it is suspended. `possible`: the state of the case allows it.
    """

    rests: bool
    possible: bool
    stops: tuple[tuple[str, str], ...] = ()


def preview_stop(work: Work, person: Person, case_id: str) -> Stopping:
    """What stopping the case would do: (kind of what waits, its name). Nothing is changed.

    Raises CaseUnknown, NotPermitted.
    """
    subject = _require(work, person, case_id)
    row = work.connection.execute(_STATE, {"case": case_id}).one()
    if row.instance_state not in ("running", "suspended"):
        return Stopping(False, False)
    seen = preview(work, row.instance_id, Cancel())
    stops = tuple(dict.fromkeys((each.kind, each.name) for each in seen.cancelled))
    return Stopping(row.instance_state == "suspended", subject.state in STOPPABLE, stops)


def stop_case(work: Work, person: Person, case_id: str, how: How, reason: str) -> None:
    """Suspend, resume or terminate the case; who has tasks of it, its body and its institution are told.

    Raises CaseUnknown, NotPermitted, StopInvalid, StopTooLate, StopUnfit.
    """
    _require(work, person, case_id)
    reason = clean_text(reason, lines=True)
    if not 0 < len(reason) <= LONGEST_REASON:
        raise StopInvalid(findings=[Finding("StopReason", path="reason", values={"most": LONGEST_REASON})])
    instance_id = work.connection.execute(_STATE, {"case": case_id}).one().instance_id
    if instance_id is None:
        raise StopTooLate()
    lock_instances(work, [instance_id])
    row = work.connection.execute(sa.select(case).where(case.c.id == case_id).with_for_update()).one()
    state = work.connection.execute(sa.select(instance.c.state).where(instance.c.id == instance_id)).scalar_one()
    if state not in ("running", "suspended") or row.state not in STOPPABLE:
        raise StopTooLate()
    if how != "terminate" and (state == "suspended") != (how == "resume"):
        raise StopUnfit()
    people = _concerned(work, row)
    if how == "suspend":
        suspend_instance(work, instance_id, reason=reason)
    elif how == "resume":
        resume_instance(work, instance_id, reason=reason)
    else:
        work.connection.execute(sa.update(case).where(case.c.id == case_id).values(state="withdrawn"))
        cancel_instance(work, instance_id, reason=reason)
        queue_letter(
            work,
            LETTER,
            find_members(work, [f"applicant@{row.institution_id}"]),
            campaign_id=row.campaign_id,
            about=row.number,
            unique_key=f"{LETTER}:{row.number}",
            values={"number": row.number, "title": row.title, "reason": reason},
        )
    kind = {"suspend": "suspended", "resume": "resumed", "terminate": "terminated"}[how]
    tell(work, people, Told(kind, row.campaign_id, case_id, values={"number": row.number, "text": reason}))


def read_rest(work: Work, case_id: str) -> bool:
    """Whether the case is suspended."""
    return bool(work.connection.execute(_STATE, {"case": case_id}).one().instance_state == "suspended")


_STATE = (
    sa.select(case.c.instance_id, instance.c.state.label("instance_state"))
    .outerjoin(instance, instance.c.id == case.c.instance_id)
    .where(case.c.id == sa.bindparam("case"))
)


def _concerned(work: Work, row: sa.Row[Any]) -> list[str]:
    """Who has a task of the case, its body's auditors, its institution's applicants."""
    held = sa.select(user_task.c.assignee).where(user_task.c.instance_id == row.instance_id, user_task.c.state == "open")
    people = [each for each in work.connection.execute(held).scalars() if each is not None]
    groups = [f"applicant@{row.institution_id}", *([f"auditor@{row.body_id}"] if row.body_id else [])]
    known = {each.id for each in list_members(work, groups)}
    return sorted(known | {each for each in people if len(each) == 32})


def _require(work: Work, person: Person, case_id: str) -> CaseSubject:
    subject = case_subject(work, case_id)
    if not can(person, "case.read", subject):
        raise CaseUnknown()
    require(person, "case.stop", subject)
    return subject
