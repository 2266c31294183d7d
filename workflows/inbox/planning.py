"""Planning a task: how urgent it is (优先级), and on which day to look at it again (跟进日期)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem, TaskUnknown
from engine.handlers import Call
from engine.moments import SHANGHAI
from engine.tasks import get_task, hold_task, plan_task
from engine.timers import arm_timer
from engine.work import Work
from workflows.desk.notifications import Told
from workflows.desk.telling import tell
from workflows.inbox.acting import hold_doable
from workflows.people import Person
from workflows.rules import CaseUnknown, can, case_subject, require
from workflows.tables import case

PRIORITIES = (25, 50, 75, 100)
"""Low, usual (what BPMN engines begin with), high, very high."""
HANDLER = "desk.follow_up"
MORNING = time(9)
"""When somebody is told on the day of a follow-up, in Beijing."""


class PlanInvalid(Problem):
    """The priority is none of `PRIORITIES`, or the day is over; `findings` tell which."""


def plan(work: Work, person: Person, task_id: str, *, priority: int, follow_up_on: date | None) -> None:
    """Say how urgent the task is and when to look at it again; on that morning who has it is told.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted, PlanInvalid.
    """
    row, _ = hold_doable(work, person, "task.plan", task_id)
    at = None if follow_up_on is None else datetime.combine(follow_up_on, MORNING, SHANGHAI)
    faults = [] if priority in PRIORITIES else [Finding("PriorityUnknown", path="priority", values={"known": _known()})]
    if at is not None and at != row.follow_up_at and at <= work.now:
        faults.append(Finding("FollowUpPast", path="follow_up_on"))
    if faults:
        raise PlanInvalid(findings=faults)
    plan_task(work, task_id, priority=priority, follow_up_at=at)
    if at is not None:
        key = f"follow_up:{task_id}:{at:%Y-%m-%d}"
        arm_timer(work, HANDLER, at, unique_key=key, payload={"task": task_id}, subject=f"tasks:{task_id}")


def prioritise(work: Work, person: Person, case_id: str, task_id: str, priority: int) -> None:
    """An organiser says how urgent an open task of a case is, whoever does it.

    Raises CaseUnknown, NotPermitted, TaskUnknown, TaskAlreadyCompleted, PlanInvalid.
    """
    subject = case_subject(work, case_id)
    if not can(person, "case.read", subject):
        raise CaseUnknown()
    require(person, "case.stop", subject)
    row = hold_task(work, task_id)
    if row.business_key != subject.number:
        raise TaskUnknown()
    if priority not in PRIORITIES:
        raise PlanInvalid(findings=[Finding("PriorityUnknown", path="priority", values={"known": _known()})])
    plan_task(work, task_id, priority=priority, follow_up_at=row.follow_up_at)


def remind_again(call: Call) -> Mapping[str, Any]:
    """`desk.follow_up`: the morning of a follow-up: who has the task is told, if it is still to be done."""
    work, task_id = call.work, call.form["task"]
    row = get_task(work, task_id)
    if row.state == "open" and row.assignee is not None and row.follow_up_at is not None and row.follow_up_at <= work.now:
        found = work.connection.execute(sa.select(case.c.id, case.c.campaign_id).where(case.c.number == row.business_key)).first()
        values = {"number": row.business_key, "step": row.name}
        campaign_id, case_id = (None, None) if found is None else (found.campaign_id, found.id)
        tell(work, [row.assignee], Told("follow_up", campaign_id, case_id, task_id, values))
    return {}


def _known() -> str:
    return ", ".join(map(str, PRIORITIES))
