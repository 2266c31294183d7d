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

from engine.candidates import select_sets
from engine.tables import user_task
from engine.work import Work
from workflows.cases.scrubbing import hide_titles, is_told, shown_title
from workflows.inbox.narrowing import Choice, TaskFilter, choose
from workflows.inbox.picking import (
    OF_CASES,
    View,
    Way,
    count_some,
    in_order,
    is_beyond,
    is_in,
    is_on,
    list_segments,
    list_ways,
    unite,
    write_mark,
)
from workflows.inbox.sorting import Sort, in_sort, is_behind, write_sorted
from workflows.people import Person
from workflows.reminders.urges import Urged, read_urged
from workflows.rules import blind_case
from workflows.search import REACH
from workflows.tables import campaign, case, organisation, person, recommending_body, report

COUNTED = 1000
"""Where counting ends: a count of so many means so many or more."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in the list. `name` is the step, `institution` the case's unit (None in blind review) or the body that reports,
    `claimed_by` a name, `urged` how often its owers were urged (催办). `readable`: the reader may open it; else only its case,
    and `claimed_by` is None."""

    id: str
    name: str
    element_id: str
    form_key: str | None
    state: str
    business_key: str
    revision: int
    priority: int
    assignee: str | None
    readable: bool
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
    """Some lines; `next` is the mark of the next page, None on the last one; `sorted_by` how they are sorted."""

    rows: tuple[TaskLine, ...]
    next: str | None
    sorted_by: Sort = "due"


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
    asked: TaskFilter | None = None,
    campaign_id: str | None = None,
    text: str | None = None,
    sort: Sort = "due",
    limit: int = 50,
    after: str | None = None,
) -> TaskPage:
    """A page of a view, of what `asked` (or `campaign_id` and `text` alone) lets through.

    In another order than that of due dates only as many as `COUNTED` are sorted: of more, `sorted_by` is `due`.
    Raises PageUnknown.
    """
    asked = asked or TaskFilter(campaign_id=campaign_id, text=text)
    columns = _columns(reader)
    choice = choose(work, columns, reader, view, asked)
    ways = list_ways(work, reader, view)
    if sort != "due" and view != "done" and (some := _some(choice, ways, COUNTED + 1)) is not None:
        if work.connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one() <= COUNTED:
            rows = _read_sorted(work, some, columns, sort, limit + 1, after)
            mark = write_sorted(sort, rows[limit - 1]) if len(rows) > limit else None
            return TaskPage(_tell(work, reader, view, rows[:limit], asked.text), mark, sort)
        after = None if after and after.startswith(f"{sort}~") else after
    segments = list_segments(view, after)
    reading = (work, choice, columns, ways, segments, limit + 1, after)
    rows = _read(*reading, reach=REACH) if choice.on_the_way else []
    if len(rows) <= limit:
        rows = _read(*reading)
    last = rows[limit - 1] if len(rows) > limit else None
    return TaskPage(
        _tell(work, reader, view, rows[:limit], asked.text),
        None if last is None else write_mark(view, last.id, last.due_at, last.closed_at),
        "due",
    )


def _tell(work: Work, reader: Person, view: View, rows: Sequence[Any], text: str | None) -> tuple[TaskLine, ...]:
    """The lines; of cases that the person may read only the tasks that are the person's own, too, are readable. What `text` found
    in a title by a name that the person must not read is left out."""
    urged = read_urged(work, [row.id for row in rows])
    sets = set(work.connection.execute(select_sets(reader.groups, reader.id)).scalars()) if view in OF_CASES and rows else set()
    titles = hide_titles(work, {row.case_id: row.title for row in rows if row.blind})
    return tuple(
        _line(
            row,
            work.now,
            urged.get(row.id, Urged()),
            titles.get(row.case_id, row.title),
            readable=view not in OF_CASES or reader.id in (row.assignee, row.owner) or row.candidate_set in sets,
        )
        for row in rows
        if not text or row.case_id not in titles or is_told(text, row.name, row.number, row.campaign_title, titles[row.case_id])
    )


def _some(choice: Choice, ways: Sequence[Way], limit: int) -> sa.Subquery | None:
    """The ids of the tasks of a choice, at most `limit`; None where there can be none."""
    tasks, which = choice.tasks, [*choice.which, *choice.on_the_way]
    if choice.on_the_way:
        tasks = _join(user_task)
    own = tasks.c if isinstance(tasks, sa.Subquery) else user_task.c
    each = [sa.select(own.id.label("id")).select_from(tasks).where(is_on(way, own), *which) for way in ways]
    if not each:
        return None
    parts = [in_order(query, "due", own).limit(limit).subquery() for query in each]
    return sa.union_all(*(sa.select(part.c.id) for part in parts)).limit(limit).subquery("some")


def _read_sorted(
    work: Work,
    some: sa.Subquery,
    columns: Mapping[str, sa.ColumnElement[Any]],
    sort: Sort,
    limit: int,
    after: str | None,
) -> Sequence[Any]:
    page = sa.select(*(column.label(name) for name, column in columns.items()))
    page = page.select_from(_join(some.join(user_task, user_task.c.id == some.c.id)))
    if after:
        page = page.where(is_behind(sort, after, columns))
    return work.connection.execute(in_sort(page, sort, columns).limit(limit)).all()


def list_steps(work: Work, reader: Person, view: View) -> list[tuple[str, str]]:
    """(id, name) of the steps of a view's tasks, by name; of very many tasks those of the first `COUNTED`."""
    some = _some(choose(work, _columns(reader), reader, view, TaskFilter()), list_ways(work, reader, view), COUNTED)
    if some is None:
        return []
    query = sa.select(user_task.c.element_id, sa.func.max(user_task.c.name)).join(some, some.c.id == user_task.c.id)
    rows = work.connection.execute(query.group_by(user_task.c.element_id)).all()
    return sorted(((row[0], row[1]) for row in rows), key=lambda each: (each[1], each[0]))


def list_bodies(work: Work, reader: Person) -> list[tuple[str, str]]:
    """(id, short name) of the recommending bodies of the campaigns that the person organises."""
    managed = campaign.c.organiser_id.in_(sorted(reader.organisations("organiser")))
    query = sa.select(organisation.c.id, organisation.c.short_name).where(
        organisation.c.id.in_(
            sa.select(recommending_body.c.organisation_id)
            .join(campaign, campaign.c.id == recommending_body.c.campaign_id)
            .where(managed)
        )
    )
    return [(row.id, row.short_name) for row in work.connection.execute(query.order_by(organisation.c.short_name))]


def find_next(work: Work, reader: Person, done: str, *, view: View = "mine", asked: TaskFilter | None = None) -> TaskLine | None:
    """The task to do after `done`, a task that has just been completed: the next one of the list that the person came from, in
    the order of due dates, else the first of it, else what else waits; None when nothing waits."""
    row = work.connection.execute(sa.select(user_task.c.due_at).where(user_task.c.id == done)).one_or_none()
    after = None if row is None else write_mark(view, done, row.due_at, None)
    lists: list[tuple[View, TaskFilter | None, str | None]] = [
        (view, asked, after),
        (view, asked, None),
        ("mine", None, None),
        ("groups", None, None),
    ]
    for each, narrowed, mark in lists:
        rows = list_tasks(work, reader, view=each, asked=narrowed, limit=1, after=mark).rows
        if rows and rows[0].readable:
            return rows[0]
    return None


def count_tasks(work: Work, reader: Person) -> TaskCounts:
    """How many open tasks wait for the person."""
    ways: dict[View, list[Way]] = {view: list_ways(work, reader, view) for view in ("mine", "groups")}
    late = user_task.c.due_at <= work.now
    asked = [count_some(ways[view], view, COUNTED, *which) for which in ((), (late,)) for view in ways]
    mine, groups, *overdue = work.connection.execute(sa.select(*asked)).one()
    return TaskCounts(mine, groups, min(sum(overdue), COUNTED))


def _read(
    work: Work,
    choice: Choice,
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
        "owner": own.owner,
        "candidate_set": own.candidate_set,
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
        "blind": blind,
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


def _line(row: sa.Row[Any], now: datetime, urged: Urged, title: str | None, *, readable: bool) -> TaskLine:
    values = dict(row._mapping)
    for name in ("owner", "candidate_set", "blind", "title"):
        del values[name]
    if not readable:
        values["claimed_by"] = None
    overdue = row.state == "open" and row.due_at is not None and row.due_at <= now
    return TaskLine(**values, title=title, readable=readable, overdue=overdue, urged=urged)
