"""Whom a case waits for, and urging them (催办) by those who wait: who sent it, its body, its organiser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem, TaskAlreadyCompleted, TaskUnknown
from engine.ids import new_id
from engine.tables import candidate_set, user_task
from engine.work import Work
from workflows.people import Person
from workflows.reminders.urges import Urged, read_urged
from workflows.reminders.urging import NobodyChosen, Outcome, clean_remark, urge_tasks
from workflows.rules import CaseSubject, CaseUnknown, NotPermitted, awaited_tasks, can, case_subject, case_subjects, require
from workflows.tables import case, organisation

PAUSE = timedelta(hours=24)
"""So long after a task was urged it is not urged again by who waits for it (ours)."""


class UrgedLately(Problem):
    """The case's tasks were urged less than `PAUSE` ago; `again_at` is when it can be done again."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A task of the case that others have to do: at which step, by which offices or institutions, since when."""

    task_id: str
    step: str
    units: tuple[str, ...]
    since: datetime
    due_at: datetime | None
    urged: Urged
    priority: int


def list_awaited(work: Work, person: Person, case_id: str) -> list[Awaited]:
    """What the case waits for from others; nothing for who may not urge them."""
    subject = case_subject(work, case_id)
    if not can(person, "case.urge", subject):
        return []
    rows = _find(work, person, subject)
    urged = read_urged(work, [row.id for row in rows]) if rows else {}
    units: dict[str, list[str]] = {}
    own = candidate_set.c
    named = sa.select(own.id, organisation.c.short_name).join(
        organisation, sa.or_(*(own.candidate == sa.literal(f"{role}@") + organisation.c.id for role in ROLES))
    )
    for row in work.connection.execute(named.where(own.id.in_([row.candidate_set for row in rows]))) if rows else ():
        units.setdefault(row.id, []).append(row.short_name)
    return [
        Awaited(
            row.id,
            row.name,
            tuple(units.get(row.candidate_set, ())),
            row.created_at,
            row.due_at,
            urged.get(row.id, Urged()),
            row.priority,
        )
        for row in rows
    ]


ROLES = ("applicant", "auditor", "organiser")


def urge_awaited(work: Work, person: Person, case_id: str, remark: str = "") -> Outcome:
    """Urge all whom the case waits for, with a sentence; each task at most once in `PAUSE`.

    Raises CaseUnknown, NotPermitted, RemarkTooLong, NobodyChosen, UrgedLately.
    """
    subject = case_subject(work, case_id)
    if not can(person, "case.read", subject):
        raise CaseUnknown()
    require(person, "case.urge", subject)
    remark = clean_remark(remark)
    ids = [row.id for row in _find(work, person, subject)]
    if not ids:
        raise NobodyChosen()
    lately = {each: urged.last_at for each, urged in read_urged(work, ids).items() if urged.last_at is not None}
    due = [each for each in ids if each not in lately or lately[each] + PAUSE <= work.now]
    if not due:
        raise UrgedLately(again_at=min(lately.values()) + PAUSE)
    return urge_tasks(work, subject.campaign_id, new_id(), due, remark)


def urge_many(work: Work, person: Person, task_ids: Sequence[str], remark: str = "") -> dict[str, Problem]:
    """Urge those of the tasks that the person may urge now, whoever owes several with one letter; why not the others.

    Raises RemarkTooLong.
    """
    remark = clean_remark(remark)
    urged, refused = judge_urges(work, person, task_ids)
    for campaign_id in sorted(set(urged.values())):
        urge_tasks(work, campaign_id, new_id(), [each for each in task_ids if urged.get(each) == campaign_id], remark)
    return refused


def judge_urges(work: Work, person: Person, task_ids: Sequence[str]) -> tuple[dict[str, str], dict[str, Problem]]:
    """Which of the tasks the person may urge now, each with its campaign, and why not the others.

    The problems are TaskUnknown, NotPermitted, TaskAlreadyCompleted, NobodyChosen (nobody else is waited for) and UrgedLately.
    """
    own = user_task.c
    query = sa.select(own.id, own.state, case.c.id.label("case_id")).join(case, case.c.number == own.business_key)
    rows = {row.id: row for row in work.connection.execute(query.where(own.id.in_(task_ids)))}
    awaited = set(work.connection.execute(sa.select(own.id).where(own.id.in_(task_ids), awaited_tasks(person))).scalars())
    lately = read_urged(work, task_ids)
    subjects = case_subjects(work, (row.case_id for row in rows.values()))
    urged: dict[str, str] = {}
    refused: dict[str, Problem] = {}
    for task_id in task_ids:
        subject = subjects[rows[task_id].case_id] if task_id in rows else None
        last_at = lately[task_id].last_at if task_id in lately else None
        if subject is None or not can(person, "case.read", subject):
            refused[task_id] = TaskUnknown()
        elif not can(person, "case.urge", subject):
            refused[task_id] = NotPermitted(action="case.urge")
        elif rows[task_id].state != "open":
            refused[task_id] = TaskAlreadyCompleted()
        elif task_id not in awaited:
            refused[task_id] = NobodyChosen()
        elif last_at is not None and work.now < last_at + PAUSE:
            refused[task_id] = UrgedLately(again_at=last_at + PAUSE)
        else:
            urged[task_id] = subject.campaign_id
    return urged, refused


def _find(work: Work, person: Person, case: CaseSubject) -> Sequence[sa.Row[Any]]:
    query = sa.select(user_task).where(user_task.c.business_key == case.number, awaited_tasks(person))
    return work.connection.execute(query.order_by(user_task.c.created_at, user_task.c.id)).all()
