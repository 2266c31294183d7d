"""The inbox as a list: one flat query with campaign, case, unit and dates, paged by key.

Tasks with a due date come first, the nearest on top; then those without, the oldest on top. Search looks only at what the person
may see: the unit of a case under blind review is neither shown nor found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from engine.errors import Problem
from engine.tables import user_task
from engine.work import Work
from workflows.cases.scrubbing import shown_title
from workflows.people import Person
from workflows.reminders.urges import Urged, read_urged
from workflows.rules import blind_case
from workflows.rules.narrowing import candidate_tasks
from workflows.tables import campaign, case, organisation, person, report

View = Literal["mine", "groups", "done"]


class PageUnknown(Problem):
    """The mark of a page (`after`) was not given out by this list."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in the list. `name` is the step, `institution` the case's unit (None in blind review) or the body that reports,
    `claimed_by` a name, `urged` how often its owers were urged (催办)."""

    id: str
    name: str
    element_id: str
    form_key: str | None
    state: str
    business_key: str
    revision: int
    priority: int
    assignee: str | None
    claimed_by: str | None
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    overdue: bool
    campaign_id: str
    campaign_title: str
    demo: bool
    case_id: str | None
    report_id: str | None
    number: str | None
    title: str | None
    institution: str | None
    urged: Urged


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some lines; `next` is the mark of the next page, None on the last one."""

    rows: tuple[TaskLine, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How many tasks wait: claimed by the person, and for the person's groups; `overdue` of both together."""

    mine: int
    groups: int
    overdue: int


def list_tasks(
    work: Work,
    reader: Person,
    *,
    view: View = "mine",
    campaign_id: str | None = None,
    text: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> TaskPage:
    """A page of the person's tasks: `mine` (claimed by or assigned to me, open), `groups` (unclaimed, for my groups), `done`.

    Raises PageUnknown.
    """
    columns = _columns(reader)
    query = _from(sa.select(*(column.label(name) for name, column in columns.items()))).where(_of_view(reader, view))
    if campaign_id is not None:
        query = query.where(columns["campaign_id"] == campaign_id)
    if text:
        looked_at = ("name", "number", "title", "institution", "campaign_title")
        query = query.where(sa.or_(*(columns[name].icontains(text, autoescape=True) for name in looked_at)))
    segments = _segments(view)
    if after and after.split("~", 1)[0] not in segments:
        raise PageUnknown()
    begins_in = segments.index(after.split("~", 1)[0]) if after else 0
    rows: list[Any] = []
    for segment in segments[begins_in:]:
        part = _order(query, segment)
        if after and segment == segments[begins_in]:
            part = part.where(_beyond(after, segment))
        rows += work.connection.execute(part.limit(limit + 1 - len(rows))).all()
        if len(rows) > limit:
            break
    urged = read_urged(work, [row.id for row in rows[:limit]])
    lines = tuple(_line(row, work.now, urged.get(row.id, Urged())) for row in rows[:limit])
    return TaskPage(lines, _mark(lines[-1], view) if len(rows) > limit else None)


def count_tasks(work: Work, reader: Person) -> TaskCounts:
    """How many open tasks wait for the person."""
    late = sa.func.coalesce(sa.func.sum(sa.case((user_task.c.due_at <= work.now, 1), else_=0)), 0)
    found = {}
    for view in ("mine", "groups"):
        query = sa.select(sa.func.count(), late).select_from(user_task).where(_of_view(reader, view))
        found[view] = work.connection.execute(query).one()
    return TaskCounts(found["mine"][0], found["groups"][0], int(found["mine"][1]) + int(found["groups"][1]))


_VIA = campaign.alias("via")
_OWN = campaign.alias("own")
_REPORTED = campaign.alias("reported")
_REPORTER = organisation.alias("reporter")
_HOLDER = person.alias("holder")


def _columns(reader: Person) -> dict[str, sa.ColumnElement[Any]]:
    blind = blind_case(reader)
    unit = sa.case((sa.not_(blind), organisation.c.name), else_=sa.null())
    own = user_task.c
    plain = ("id", "name", "element_id", "form_key", "state", "business_key", "revision", "priority", "assignee")
    return {
        **{name: own[name] for name in plain},
        "claimed_by": _HOLDER.c.name,
        "created_at": own.created_at,
        "due_at": own.due_at,
        "closed_at": own.closed_at,
        "campaign_id": sa.func.coalesce(_VIA.c.id, _REPORTED.c.id, _OWN.c.id),
        "campaign_title": sa.func.coalesce(_VIA.c.title, _REPORTED.c.title, _OWN.c.title),
        "demo": sa.func.coalesce(_VIA.c.demo, _REPORTED.c.demo, _OWN.c.demo),
        "case_id": case.c.id,
        "report_id": report.c.id,
        "number": sa.func.coalesce(case.c.number, report.c.number),
        "title": sa.func.coalesce(shown_title(organisation, blind=blind), _REPORTED.c.title),
        "institution": sa.func.coalesce(unit, _REPORTER.c.name),
    }


def _from(query: sa.Select[Any]) -> sa.Select[Any]:
    return (
        query.select_from(user_task)
        .outerjoin(case, case.c.number == user_task.c.business_key)
        .outerjoin(_VIA, _VIA.c.id == case.c.campaign_id)
        .outerjoin(report, report.c.number == user_task.c.business_key)
        .outerjoin(_REPORTED, _REPORTED.c.id == report.c.campaign_id)
        .outerjoin(_REPORTER, _REPORTER.c.id == report.c.reporter_id)
        .outerjoin(_OWN, _OWN.c.key == user_task.c.business_key)
        .outerjoin(organisation, organisation.c.id == case.c.institution_id)
        .outerjoin(_HOLDER, _HOLDER.c.id == user_task.c.assignee)
        .where(sa.or_(_VIA.c.id.is_not(None), _REPORTED.c.id.is_not(None), _OWN.c.id.is_not(None)))
    )


def _of_view(reader: Person, view: str) -> sa.ColumnElement[bool]:
    """Each view is a part of what `rules.visible_tasks` lets the person see."""
    own = user_task.c
    if view == "mine":
        return sa.and_(own.state == "open", own.assignee == reader.id)
    if view == "groups":
        return sa.and_(own.state == "open", own.assignee.is_(None), own.id.in_(candidate_tasks(reader)))
    return sa.and_(own.state == "completed", own.closed_by == reader.id)


def _segments(view: str) -> tuple[str, ...]:
    return ("closed",) if view == "done" else ("due", "undated")


def _order(query: sa.Select[Any], segment: str) -> sa.Select[Any]:
    """Two ordered parts instead of one sort over an expression: each can follow an index."""
    own = user_task.c
    if segment == "closed":
        return query.order_by(own.closed_at.desc(), own.id.desc())
    if segment == "due":
        return query.where(own.due_at.is_not(None)).order_by(own.due_at, own.id)
    return query.where(own.due_at.is_(None)).order_by(own.id)


def _mark(line: TaskLine, view: str) -> str:
    if view == "done":
        assert line.closed_at is not None
        return f"closed~{line.closed_at.isoformat()}~{line.id}"
    return f"undated~~{line.id}" if line.due_at is None else f"due~{line.due_at.isoformat()}~{line.id}"


def _beyond(after: str, segment: str) -> sa.ColumnElement[bool]:
    own = user_task.c
    try:
        _, moment, task_id = after.split("~")
        at = datetime.fromisoformat(moment) if moment else None
    except ValueError as fault:
        raise PageUnknown() from fault
    if (at is None) != (segment == "undated") or (at is not None and at.tzinfo is None):
        raise PageUnknown()
    if segment == "closed":
        return sa.or_(own.closed_at < at, sa.and_(own.closed_at == at, own.id < task_id))
    if segment == "due":
        return sa.or_(own.due_at > at, sa.and_(own.due_at == at, own.id > task_id))
    return own.id > task_id


def _line(row: sa.Row[Any], now: datetime, urged: Urged) -> TaskLine:
    overdue = row.state == "open" and row.due_at is not None and row.due_at <= now
    return TaskLine(**row._mapping, overdue=overdue, urged=urged)
