"""Who is missing: what is owed in a campaign now, by step and body, with what was sent about it and whether it arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.moments import SHANGHAI
from engine.tables import outbox, user_task, user_task_candidate
from engine.work import Work
from workflows.campaigns.reading import of_campaign
from workflows.deadlines import last_day
from workflows.mails import Failure, read_failure
from workflows.organisations import list_organisations
from workflows.people import Person
from workflows.reminders.recipients import OWING, find_recipients, read_candidates
from workflows.reminders.urges import Urged, read_urged
from workflows.rules import CampaignSubject, owed_tasks
from workflows.tables import case, letter_task, organisation, person
from workflows.workdays import read_calendar


class MissingPageUnknown(Problem):
    """The mark of a page of who is missing was not given out by this list."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of what is owed is meant: at one step, of one body, only what is overdue; only `task_ids` where they are given."""

    element_id: str | None = None
    body_id: str | None = None
    overdue: bool = False
    task_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Letters about one task: how many, the last one's moment, how many by state, and why the last failed one failed."""

    count: int = 0
    last_at: datetime | None = None
    states: Mapping[str, int] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """One open task with a due date. `units` owe it (empty: a person does), `holder` has claimed it; `work_days` are left, and
    negative once it is overdue. `reachable`: somebody who owes it has a mail address.
    """

    task_id: str
    element_id: str
    step: str
    due_at: datetime
    overdue: bool
    work_days: int
    units: tuple[str, ...]
    holder: str | None
    body: str | None
    number: str | None
    title: str | None
    sent: Sent
    urged: Urged
    reachable: bool


@dataclass(frozen=True, slots=True)
class OwedPage:
    """Some lines, what is due first on top; `next` is the mark of the next page, None on the last one."""

    rows: tuple[Owed, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class OwedCount:
    """How much is owed at one step by (or below) one body. `body` None: by nobody's body, as by the organiser or experts."""

    element_id: str
    step: str
    body_id: str | None
    body: str | None
    count: int
    overdue: int
    earliest_at: datetime


def list_owed(
    work: Work,
    reader: Person,
    subject: CampaignSubject,
    choice: Choice,
    *,
    limit: int = 100,
    after: str | None = None,
) -> OwedPage:
    """A page of what is owed within what the reader may remind of (`rules.owed_tasks`).

    Raises MissingPageUnknown.
    """
    query = select_owed(work, reader, subject, choice)
    if after:
        query = query.where(_beyond(after))
    rows = work.connection.execute(query.order_by(user_task.c.due_at, user_task.c.id).limit(limit + 1)).all()
    lines = tuple(_describe(work, rows[:limit]))
    return OwedPage(lines, f"{lines[-1].due_at.isoformat()}~{lines[-1].task_id}" if len(rows) > limit else None)


def count_owed(work: Work, reader: Person | None, subject: CampaignSubject) -> list[OwedCount]:
    """What is owed by step and body, the earliest due first; for nobody in particular (None) as the organisers see it."""
    inner = select_owed(work, reader, subject, Choice()).subquery()
    late = sa.func.sum(sa.case((inner.c.due_at <= work.now, 1), else_=0))
    earliest = sa.func.min(inner.c.due_at, type_=user_task.c.due_at.type)
    query = (
        sa.select(
            inner.c.element_id,
            inner.c.name.label("step"),
            inner.c.body_id,
            organisation.c.short_name.label("body"),
            sa.func.count().label("count"),
            late.label("overdue"),
            earliest.label("earliest_at"),
        )
        .outerjoin(organisation, organisation.c.id == inner.c.body_id)
        .group_by(inner.c.element_id, inner.c.name, inner.c.body_id, organisation.c.short_name)
    )
    rows = [OwedCount(**{**row._mapping, "overdue": int(row.overdue)}) for row in work.connection.execute(query)]
    return sorted(rows, key=lambda row: (row.earliest_at, row.step, row.body or ""))


def select_owed(work: Work, reader: Person | None, subject: CampaignSubject, choice: Choice) -> sa.Select[Any]:
    """The open, dated tasks of a campaign that the reader may remind of, with case and body; None reads as the organisers."""
    holder = person.alias("holder")
    body = _body_id()
    query = (
        sa.select(
            user_task.c.id,
            user_task.c.instance_id,
            user_task.c.token,
            user_task.c.element_id,
            user_task.c.name,
            user_task.c.business_key,
            user_task.c.assignee,
            user_task.c.due_at,
            case.c.number,
            case.c.title,
            body.label("body_id"),
            holder.c.name.label("holder"),
        )
        .select_from(user_task)
        .outerjoin(case, case.c.number == user_task.c.business_key)
        .outerjoin(holder, holder.c.id == user_task.c.assignee)
        .where(of_campaign(subject.id), user_task.c.state == "open", user_task.c.due_at.is_not(None))
    )
    if reader is None:
        query = query.where(sa.or_(case.c.state.is_(None), case.c.state != "draft"))
    else:
        query = query.where(owed_tasks(reader, subject))
    if choice.element_id is not None:
        query = query.where(user_task.c.element_id == choice.element_id)
    if choice.body_id is not None:
        query = query.where(body == choice.body_id)
    if choice.overdue:
        query = query.where(user_task.c.due_at <= work.now)
    if choice.task_ids is not None:
        query = query.where(user_task.c.id.in_(choice.task_ids))
    return query


def _body_id() -> sa.ColumnElement[str | None]:
    """The recommending body of a task: its case's, else the one whose auditors it waits for."""
    group = sa.select(sa.func.min(sa.func.substr(user_task_candidate.c.candidate, len("auditor@") + 1))).where(
        user_task_candidate.c.task_id == user_task.c.id,
        user_task_candidate.c.kind == "group",
        user_task_candidate.c.candidate.startswith("auditor@"),
    )
    return sa.func.coalesce(case.c.body_id, group.scalar_subquery())


def _describe(work: Work, rows: Sequence[sa.Row[Any]]) -> list[Owed]:
    groups, _users = read_candidates(work, rows)
    places = {name.partition("@")[2] for names in groups.values() for name in names} | {
        row.body_id for row in rows if row.body_id
    }
    units = {each.id: each.short_name for each in list_organisations(work, ids=sorted(places))}
    owers = find_recipients(work, rows, OWING)
    ids = [row.id for row in rows]
    sent, urged = read_sent(work, ids), read_urged(work, ids)
    today, calendar = work.now.astimezone(SHANGHAI).date(), read_calendar(work)
    return [
        Owed(
            task_id=row.id,
            element_id=row.element_id,
            step=row.name,
            due_at=row.due_at,
            overdue=row.due_at <= work.now,
            work_days=calendar.workdays_between(today, last_day(row.due_at, SHANGHAI.key)).count,
            units=tuple(units[at] for name in groups.get(row.id, ()) if (at := name.partition("@")[2]) in units),
            holder=row.holder,
            body=units.get(row.body_id),
            number=row.number,
            title=row.title,
            sent=sent.get(row.id, Sent()),
            urged=urged.get(row.id, Urged()),
            reachable=bool(owers[row.id]),
        )
        for row in rows
    ]


def read_sent(work: Work, task_ids: Sequence[str]) -> dict[str, Sent]:
    """What was written about each of these tasks to those who owe it."""
    last = sa.func.max(outbox.c.created_at, type_=outbox.c.created_at.type)
    ours = letter_task.c.task_id.in_(task_ids)
    query = sa.select(letter_task.c.task_id, outbox.c.state, sa.func.count().label("letters"), last.label("last_at"))
    query = query.join(outbox, outbox.c.id == letter_task.c.outbox_id).where(ours)
    found: dict[str, Sent] = {}
    for row in work.connection.execute(query.group_by(letter_task.c.task_id, outbox.c.state)):
        so_far = found.get(row.task_id, Sent())
        found[row.task_id] = Sent(
            so_far.count + row.letters,
            row.last_at if so_far.last_at is None else max(so_far.last_at, row.last_at),
            {**so_far.states, row.state: row.letters},
        )
    failed = sa.select(letter_task.c.task_id, outbox.c.last_error).join(outbox, outbox.c.id == letter_task.c.outbox_id)
    failed = failed.where(ours, outbox.c.state.in_(("dead", "queued")), outbox.c.last_error.is_not(None))
    for row in work.connection.execute(failed.order_by(outbox.c.created_at)):
        so_far = found[row.task_id]
        found[row.task_id] = Sent(so_far.count, so_far.last_at, so_far.states, read_failure(row.last_error))
    return found


def _beyond(after: str) -> sa.ColumnElement[bool]:
    own = user_task.c
    try:
        moment, task_id = after.split("~")
        at = datetime.fromisoformat(moment)
    except ValueError as fault:
        raise MissingPageUnknown() from fault
    if at.tzinfo is None:
        raise MissingPageUnknown()
    return sa.or_(own.due_at > at, sa.and_(own.due_at == at, own.id > task_id))
