"""Picking the tasks of a page: in the order of an index that holds nothing else, and only as many as the page shows.

A view is read in parts (*ways*), one for each set of candidates that the person is in, and a part in *segments*: what has a due
date, then what has none. Each is one range of an index in the page's order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from engine.candidates import select_sets
from engine.errors import Problem
from engine.tables import COMPLETED, DELEGATED, OPEN, WAITING, user_task
from engine.work import Work
from workflows.people import Person

View = Literal["mine", "groups", "delegated", "watched", "sent", "done"]
VIEWS: tuple[View, ...] = ("mine", "groups", "delegated", "watched", "sent", "done")
"""`mine`: claimed by me or assigned to me. `groups`: unclaimed, for my groups. `delegated`: mine, prepared by somebody else now.
`watched`: of cases that I watch. `sent`: of cases in which I did something lately, wherever they are now. `done`: what I did."""
OF_CASES = ("watched", "sent")
"""Views of cases that the person may read, whoever has their tasks."""
Columns = ReadOnlyColumnCollection[str, Any]
Way = Mapping[str, Any]
"""Values of columns of `user_task`; a list: any of them."""

STATES = {"mine": OPEN, "groups": WAITING, "delegated": DELEGATED, "watched": OPEN, "sent": OPEN, "done": COMPLETED}
WAYS = 20
"""So many sets of candidates that a person is in are each read in order; more are sorted."""


class PageUnknown(Problem):
    """The mark of a page (`after`) was not given out by this list."""


def list_ways(work: Work, reader: Person, view: View) -> list[Way]:
    """The parts of a view, each within what `rules.visible_tasks` lets the person see."""
    if view == "mine":
        return [{"assignee": reader.id}]
    if view == "done":
        return [{"closed_by": reader.id}]
    if view == "delegated":
        return [{"owner": reader.id}]
    if view in OF_CASES:
        return [{}]
    sets = sorted(work.connection.execute(select_sets(reader.groups, reader.id)).scalars())
    return [{"candidate_set": each} for each in sets] if len(sets) <= WAYS else [{"candidate_set": sets}]


def is_of(view: View, own: Columns) -> sa.ColumnElement[bool]:
    """The state that tasks of a view are in; of the table itself as its indexes say it."""
    if own is user_task.c:
        return STATES[view]
    if view == "done":
        return cast(sa.ColumnElement[bool], own.state == "completed")
    more = {"groups": own.assignee.is_(None), "delegated": own.owner.is_not(None)}
    return sa.and_(own.state == "open", more.get(view, sa.true()))


def is_on(way: Way, own: Columns) -> sa.ColumnElement[bool]:
    """What is a part of the view."""
    parts = (own[name].in_(value) if isinstance(value, list) else own[name] == value for name, value in way.items())
    return sa.and_(sa.true(), *parts)


def list_segments(view: View, after: str | None) -> tuple[str, ...]:
    """The segments of a view, from the one on in which the page begins.

    Raises PageUnknown.
    """
    all_of_it = ("closed",) if view == "done" else ("due", "undated")
    begins_in = after.partition("~")[0] if after else all_of_it[0]
    if begins_in not in all_of_it:
        raise PageUnknown()
    return all_of_it[all_of_it.index(begins_in) :]


def is_in(segment: str, own: Columns) -> sa.ColumnElement[bool]:
    """Ordered parts instead of one sort over an expression: each can follow an index."""
    parts: dict[str, sa.ColumnElement[bool]]
    parts = {"closed": sa.true(), "due": own.due_at.is_not(None), "undated": own.due_at.is_(None)}
    return parts[segment]


def in_order(query: sa.Select[Any], segment: str, own: Columns) -> sa.Select[Any]:
    """The order of a page."""
    return query.order_by(own.closed_at.desc(), own.id.desc()) if segment == "closed" else query.order_by(own.due_at, own.id)


def write_mark(view: View, task_id: str, due_at: datetime | None, closed_at: datetime | None) -> str:
    """Where the next page begins: after this task."""
    if view == "done":
        assert closed_at is not None
        return f"closed~{closed_at.isoformat()}~{task_id}"
    return f"undated~~{task_id}" if due_at is None else f"due~{due_at.isoformat()}~{task_id}"


def is_beyond(after: str, own: Columns) -> sa.ColumnElement[bool]:
    """What comes after a mark in its segment.

    Raises PageUnknown.
    """
    try:
        segment, moment, task_id = after.split("~")
        at = datetime.fromisoformat(moment) if moment else None
    except ValueError as fault:
        raise PageUnknown() from fault
    if (at is None) != (segment == "undated") or (at is not None and at.tzinfo is None):
        raise PageUnknown()
    if segment == "closed":  # pairs are compared, as an index can: not "later, or as late and …"
        return sa.tuple_(own.closed_at, own.id) < sa.tuple_(sa.literal(at, own.closed_at.type), task_id)
    if segment == "due":
        return sa.tuple_(own.due_at, own.id) > sa.tuple_(sa.literal(at, own.due_at.type), task_id)
    beyond: sa.ColumnElement[bool] = own.id > task_id
    return beyond


def unite(parts: Sequence[sa.Select[Any]], segment: str, limit: int) -> sa.FromClause:
    """The first tasks of several ordered and limited queries of their ids, `due_at` and `closed_at`."""
    if len(parts) == 1:
        picked = parts[0].subquery("picked")
    else:
        every = sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery()
        picked = in_order(sa.select(every.c.id), segment, every.c).limit(limit).subquery("picked")
    return picked.join(user_task, user_task.c.id == picked.c.id)


def count_some(ways: Sequence[Way], view: View, limit: int, *which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """How many there are, at most `limit`. In order: else a database may look for the first so many anywhere in the table."""
    if not ways:
        return sa.literal(0)
    own = user_task.c
    each = (sa.select(own.id).where(STATES[view], is_on(way, own), *which) for way in ways)
    parts = (in_order(query, "due", own).limit(limit).subquery() for query in each)
    some = sa.union_all(*(sa.select(part.c.id) for part in parts)).limit(limit).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()
