"""The inbox as a list: one flat query with campaign, case, unit and dates, paged by key.

Tasks with a due date come first, the nearest on top; then those without, the oldest on top. Search looks only at what the person
may see: the unit of a case under blind review is neither shown nor found.

A page costs the same whatever waits beside it: tasks are picked in the order of an index that holds nothing else, and only the
lines of the page are joined with their cases. Counts end at `COUNTED`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from engine.candidates import select_sets
from engine.errors import Problem
from engine.tables import COMPLETED, OPEN, WAITING, user_task
from engine.work import Work
from workflows.cases.scrubbing import shown_title
from workflows.people import Person
from workflows.reminders.urges import Urged, read_urged
from workflows.rules import blind_case
from workflows.tables import campaign, case, organisation, person, report

View = Literal["mine", "groups", "done"]

COUNTED = 1000
"""Where counting ends: a count of so many means so many or more."""
WAYS = 20
"""So many sets of candidates that a person is in are each read in order; more are sorted."""


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
    """How many tasks wait: claimed by the person, and for the person's groups; `overdue` of both together. `COUNTED`: or more."""

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
    own, columns = user_task.c, _columns(reader)
    segments = _segments(view)
    if after and after.split("~", 1)[0] not in segments:
        raise PageUnknown()
    begins_in = segments.index(after.split("~", 1)[0]) if after else 0
    picked = sa.select(own.id).where(own.belongs_to.is_not(None) if campaign_id is None else own.belongs_to == campaign_id)
    if text:
        looked_at = ("name", "number", "title", "institution", "campaign_title")
        picked = _join(picked, user_task).where(sa.or_(*(columns[name].icontains(text, autoescape=True) for name in looked_at)))
    ways = _ways(work, reader, view)
    rows: list[Any] = []
    for segment in segments[begins_in:] if ways else ():
        within = [_is_in(segment)]
        if after and segment == segments[begins_in]:
            within.append(_is_beyond(after, segment))
        wanted = limit + 1 - len(rows)
        first = _unite([_in_order(picked.where(way, *within), segment).limit(wanted) for way in ways])
        page = _join(sa.select(*(column.label(name) for name, column in columns.items())), first)
        rows += work.connection.execute(_in_order(page, segment).limit(wanted)).all()
        if len(rows) > limit:
            break
    urged = read_urged(work, [row.id for row in rows[:limit]])
    lines = tuple(_line(row, work.now, urged.get(row.id, Urged())) for row in rows[:limit])
    return TaskPage(lines, _mark(lines[-1], view) if len(rows) > limit else None)


def count_tasks(work: Work, reader: Person) -> TaskCounts:
    """How many open tasks wait for the person."""
    mine, groups = _ways(work, reader, "mine"), _ways(work, reader, "groups")
    late = user_task.c.due_at <= work.now
    counts = work.connection.execute(
        sa.select(*(_count(ways, *which) for which in ((), (late,)) for ways in (mine, groups)))
    ).one()
    return TaskCounts(counts[0], counts[1], min(counts[2] + counts[3], COUNTED))


def _count(ways: Sequence[sa.ColumnElement[bool]], *which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """How many there are, at most `COUNTED`. In order: else a database may look for the first so many anywhere in the table."""
    if not ways:
        return sa.literal(0)
    parts = (_in_order(sa.select(user_task.c.id).where(way, *which), "due").limit(COUNTED).subquery() for way in ways)
    some = sa.union_all(*(sa.select(part.c.id) for part in parts)).limit(COUNTED).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


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
        "campaign_id": campaign.c.id,
        "campaign_title": campaign.c.title,
        "demo": campaign.c.demo,
        "case_id": case.c.id,
        "report_id": report.c.id,
        "number": sa.func.coalesce(case.c.number, report.c.number),
        "title": sa.case((report.c.id.is_not(None), campaign.c.title), else_=shown_title(organisation, blind=blind)),
        "institution": sa.func.coalesce(unit, _REPORTER.c.name),
    }


def _join(query: sa.Select[Any], tasks: sa.FromClause) -> sa.Select[Any]:
    """All that a line tells, joined to `tasks`: few rows, in which the database begins."""
    return (
        query.select_from(tasks)
        .join(campaign, campaign.c.id == user_task.c.belongs_to)
        .outerjoin(case, case.c.number == user_task.c.business_key)
        .outerjoin(organisation, organisation.c.id == case.c.institution_id)
        .outerjoin(report, report.c.number == user_task.c.business_key)
        .outerjoin(_REPORTER, _REPORTER.c.id == report.c.reporter_id)
        .outerjoin(_HOLDER, _HOLDER.c.id == user_task.c.assignee)
    )


def _ways(work: Work, reader: Person, view: str) -> list[sa.ColumnElement[bool]]:
    """The tasks of a view, in parts that an index gives in order, each within what `rules.visible_tasks` lets the person see."""
    own = user_task.c
    if view == "mine":
        return [sa.and_(OPEN, own.assignee == reader.id)]
    if view == "done":
        return [sa.and_(COMPLETED, own.closed_by == reader.id)]
    sets = work.connection.execute(select_sets(reader.groups, reader.id)).scalars().all()
    if len(sets) > WAYS:
        return [sa.and_(WAITING, own.candidate_set.in_(sets))]
    return [sa.and_(WAITING, own.candidate_set == each) for each in sorted(sets)]


def _unite(parts: Sequence[sa.Select[tuple[str]]]) -> sa.FromClause:
    """The tasks whose ids several ordered and limited queries give."""
    picked = sa.union_all(*(sa.select(part.subquery().c.id) for part in parts)).subquery("picked")
    return picked.join(user_task, user_task.c.id == picked.c.id)


def _segments(view: str) -> tuple[str, ...]:
    return ("closed",) if view == "done" else ("due", "undated")


def _is_in(segment: str) -> sa.ColumnElement[bool]:
    """Two ordered parts instead of one sort over an expression: each can follow an index."""
    own = user_task.c
    return {"closed": sa.true(), "due": own.due_at.is_not(None), "undated": own.due_at.is_(None)}[segment]


def _in_order(query: sa.Select[Any], segment: str) -> sa.Select[Any]:
    own = user_task.c
    return query.order_by(own.closed_at.desc(), own.id.desc()) if segment == "closed" else query.order_by(own.due_at, own.id)


def _mark(line: TaskLine, view: str) -> str:
    if view == "done":
        assert line.closed_at is not None
        return f"closed~{line.closed_at.isoformat()}~{line.id}"
    return f"undated~~{line.id}" if line.due_at is None else f"due~{line.due_at.isoformat()}~{line.id}"


def _is_beyond(after: str, segment: str) -> sa.ColumnElement[bool]:
    own = user_task.c
    try:
        _, moment, task_id = after.split("~")
        at = datetime.fromisoformat(moment) if moment else None
    except ValueError as fault:
        raise PageUnknown() from fault
    if (at is None) != (segment == "undated") or (at is not None and at.tzinfo is None):
        raise PageUnknown()
    if segment == "closed":  # pairs are compared, as an index can: not "later, or as late and …"
        return sa.tuple_(own.closed_at, own.id) < sa.tuple_(sa.literal(at, own.closed_at.type), task_id)
    if segment == "due":
        return sa.tuple_(own.due_at, own.id) > sa.tuple_(sa.literal(at, own.due_at.type), task_id)
    return own.id > task_id


def _line(row: sa.Row[Any], now: datetime, urged: Urged) -> TaskLine:
    overdue = row.state == "open" and row.due_at is not None and row.due_at <= now
    return TaskLine(**row._mapping, overdue=overdue, urged=urged)
