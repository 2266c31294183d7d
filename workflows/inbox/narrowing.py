"""Narrowing a view: by campaign, step, recommending body, due date and text. Everything is found by an index, or on the way.

What few cases have in common is looked for from these cases, whatever waits beside them (a subquery with an offset is read by
itself, and names nothing by which a database could begin elsewhere); what many have, on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa

from engine.moments import SHANGHAI
from engine.tables import COMPLETED, user_task
from engine.work import Work
from workflows.inbox.finding import find_campaigns, find_numbers, holds, is_a_step
from workflows.inbox.picking import OF_CASES, Columns, View, is_of
from workflows.people import Person
from workflows.rules import visible_cases
from workflows.tables import case
from workflows.talk import watched_keys

DueRange = Literal["overdue", "today", "week", "undated"]
DUE_RANGES: tuple[DueRange, ...] = get_args(DueRange)
WEEK = timedelta(days=7)
LATELY = 200
"""So many of the tasks that a person did last are looked at for what was sent."""


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What of a view is asked for; None: any. `due`: until now, today, within seven days from now, or without a date.

    `body_id` costs as much as the body has cases, at most some thousands: only a case names its body (decision 33).
    """

    campaign_id: str | None = None
    step: str | None = None
    body_id: str | None = None
    due: DueRange | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tasks of a view: of `tasks` those for which `which` holds, and `on_the_way`, of what only its case tells."""

    tasks: sa.FromClause
    which: list[sa.ColumnElement[bool]]
    on_the_way: list[sa.ColumnElement[bool]] = field(default_factory=list)


def choose(work: Work, columns: Mapping[str, sa.ColumnElement[Any]], reader: Person, view: View, asked: TaskFilter) -> Choice:
    """The tasks of a view that a filter lets through."""
    own = user_task.c
    keys: list[sa.ColumnElement[bool]] = []  # what few cases have in common
    broad: list[sa.ColumnElement[bool]] = []
    later: list[sa.ColumnElement[bool]] = []
    if view in OF_CASES:
        keys.append(own.business_key.in_(watched_keys(reader) if view == "watched" else _sent_keys(reader)))
    if asked.body_id:
        keys.append(own.business_key.in_(sa.select(case.c.number).where(case.c.body_id == asked.body_id)))
    if asked.text:
        numbers = find_numbers(work, reader, asked.text)
        campaigns = find_campaigns(work, asked.text) if numbers is not None else []
        if numbers is None:
            looked_at = (columns[name] for name in ("name", "number", "title", "institution", "campaign_title"))
            later.append(sa.or_(*(holds(column, asked.text) for column in looked_at)))
        elif view == "done" or campaigns or is_a_step(work, asked.text):
            broad.append(sa.or_(holds(own.name, asked.text), own.belongs_to.in_(campaigns), own.business_key.in_(numbers)))
        else:
            keys.append(own.business_key.in_(numbers))
    if not keys:
        return Choice(user_task, [*_which(view, asked, own, work.now), *broad], later)
    found = sa.select(user_task).where(*keys, *broad).offset(0).subquery("found")
    return Choice(found, _which(view, asked, found.c, work.now), later)


def _which(view: View, asked: TaskFilter, own: Columns, now: datetime) -> list[sa.ColumnElement[bool]]:
    """The state of a view's tasks, and what the tasks themselves tell."""
    found = [is_of(view, own)]
    found.append(own.belongs_to.is_not(None) if asked.campaign_id is None else own.belongs_to == asked.campaign_id)
    if asked.step is not None:
        found.append(own.element_id == asked.step)
    if asked.due == "undated":
        found.append(own.due_at.is_(None))
    elif asked.due is not None:
        found.append(own.due_at <= ends_at(asked.due, now))
        if asked.due != "overdue":
            found.append(own.due_at > now)
    return found


def ends_at(due: DueRange, now: datetime) -> datetime:
    """The last moment of a range of due dates. A cut-off at 24:00 belongs to the day that ends."""
    if due == "overdue":
        return now
    if due == "week":
        return now + WEEK
    midnight = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


def _sent_keys(reader: Person) -> sa.Select[tuple[str]]:
    """The cases in which the person did something lately, and may read."""
    own = user_task.c
    done = sa.select(own.business_key).where(COMPLETED, own.closed_by == reader.id).order_by(own.closed_at.desc(), own.id.desc())
    lately = done.limit(LATELY).subquery("lately")
    return sa.select(case.c.number).join(lately, lately.c.business_key == case.c.number).where(visible_cases(reader))
