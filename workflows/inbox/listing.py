"""The inbox as a list: one flat query with campaign, case, unit and dates, paged by key.

Tasks with a due date come first, the nearest on top; then those without, the oldest on top. Search looks only at what the person
may see: the unit of a case under blind review is neither shown nor found.

A page costs the same whatever waits beside it: tasks are picked in the order of an index that holds nothing else, and only the
lines of the page are joined with their cases. Counts end at `COUNTED`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.tables import user_task
from engine.work import Work
from workflows.cases.scrubbing import shown_title
from workflows.inbox.finding import find_campaigns, find_numbers, holds, is_a_step
from workflows.inbox.picking import (
    Columns,
    View,
    Way,
    count_some,
    in_order,
    is_beyond,
    is_in,
    is_of,
    is_on,
    list_segments,
    list_ways,
    unite,
    write_mark,
)
from workflows.people import Person
from workflows.reminders.urges import Urged, read_urged
from workflows.rules import blind_case
from workflows.search import REACH
from workflows.tables import campaign, case, organisation, person, report

COUNTED = 1000
"""Where counting ends: a count of so many means so many or more."""


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
    segments = list_segments(view, after)
    columns = _columns(reader)
    choice = _choose(work, columns, reader, view, campaign_id, text)
    ways = list_ways(work, reader, view)
    reading = (work, choice, columns, ways, segments, limit + 1, after)
    rows = _read(*reading, reach=REACH) if choice.on_the_way else []
    if len(rows) <= limit:
        rows = _read(*reading)
    urged = read_urged(work, [row.id for row in rows[:limit]])
    lines = tuple(_line(row, work.now, urged.get(row.id, Urged())) for row in rows[:limit])
    last = lines[-1] if len(rows) > limit else None
    return TaskPage(lines, None if last is None else write_mark(view, last.id, last.due_at, last.closed_at))


def count_tasks(work: Work, reader: Person) -> TaskCounts:
    """How many open tasks wait for the person."""
    ways: dict[View, list[Way]] = {view: list_ways(work, reader, view) for view in ("mine", "groups")}
    late = user_task.c.due_at <= work.now
    asked = [count_some(ways[view], view, COUNTED, *which) for which in ((), (late,)) for view in ways]
    mine, groups, *overdue = work.connection.execute(sa.select(*asked)).one()
    return TaskCounts(mine, groups, min(sum(overdue), COUNTED))


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which tasks of a view: of `tasks` those for which `which` holds, and `on_the_way`, of what only its case tells."""

    tasks: sa.FromClause
    which: list[sa.ColumnElement[bool]]
    on_the_way: list[sa.ColumnElement[bool]]


def _choose(
    work: Work,
    columns: Mapping[str, sa.ColumnElement[Any]],
    reader: Person,
    view: View,
    campaign_id: str | None,
    text: str | None,
) -> _Choice:
    """What few cases have in common is looked for from these cases, whatever waits beside them (a subquery with an offset is read
    by itself); what many have, on the way.
    """
    own = user_task.c
    which = _which(view, campaign_id, own)
    if not text:
        return _Choice(user_task, which, [])
    numbers = find_numbers(work, reader, text)
    if numbers is None:
        looked_at = (columns[name] for name in ("name", "number", "title", "institution", "campaign_title"))
        return _Choice(user_task, which, [sa.or_(*(holds(column, text) for column in looked_at))])
    campaigns = find_campaigns(work, text)
    if view == "done" or campaigns or is_a_step(work, text):
        has_it = sa.or_(holds(own.name, text), own.belongs_to.in_(campaigns), own.business_key.in_(numbers))
        return _Choice(user_task, [*which, has_it], [])
    found = sa.select(user_task).where(own.business_key.in_(numbers)).offset(0).subquery("found")
    return _Choice(found, _which(view, campaign_id, found.c), [])


def _which(view: View, campaign_id: str | None, own: Columns) -> list[sa.ColumnElement[bool]]:
    """The state of a view's tasks; of a campaign, or of any."""
    return [is_of(view, own), own.belongs_to.is_not(None) if campaign_id is None else own.belongs_to == campaign_id]


def _read(
    work: Work,
    choice: _Choice,
    columns: Mapping[str, sa.ColumnElement[Any]],
    ways: Sequence[Way],
    segments: Sequence[str],
    limit: int,
    after: str | None,
    *,
    reach: int | None = None,
) -> list[Any]:
    """The first rows; with `reach` only if they are found among so many of the first segment."""
    tasks, which, later = choice.tasks, choice.which, choice.on_the_way
    if later and reach is None:
        tasks, which, later = _join(user_task), [*which, *later], []
    own = tasks.c if isinstance(tasks, sa.Subquery) else user_task.c
    rows: list[Any] = []
    for segment in segments if ways else ():
        within = [*which, is_in(segment, own)]
        if after and segment == segments[0]:
            within.append(is_beyond(after, own))
        wanted = limit - len(rows)
        each = (sa.select(own.id, own.due_at, own.closed_at).select_from(tasks).where(is_on(way, own), *within) for way in ways)
        picked = unite([in_order(query, segment, own).limit(reach or wanted) for query in each], segment, reach or wanted)
        page = sa.select(*(column.label(name) for name, column in columns.items())).select_from(_join(picked)).where(*later)
        rows += work.connection.execute(in_order(page, segment, user_task.c).limit(wanted)).all()
        if len(rows) == limit or reach is not None:
            break
    return rows


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


def _join(tasks: sa.FromClause) -> sa.FromClause:
    """All that a line tells, joined to `tasks`: few rows, in which the database begins."""
    return (
        tasks.join(campaign, campaign.c.id == user_task.c.belongs_to)
        .outerjoin(case, case.c.number == user_task.c.business_key)
        .outerjoin(organisation, organisation.c.id == case.c.institution_id)
        .outerjoin(report, report.c.number == user_task.c.business_key)
        .outerjoin(_REPORTER, _REPORTER.c.id == report.c.reporter_id)
        .outerjoin(_HOLDER, _HOLDER.c.id == user_task.c.assignee)
    )


def _line(row: sa.Row[Any], now: datetime, urged: Urged) -> TaskLine:
    overdue = row.state == "open" and row.due_at is not None and row.due_at <= now
    return TaskLine(**row._mapping, overdue=overdue, urged=urged)
