"""Moments that were counted by work days, after the work days were changed: which would be others, for who runs the campaign.

Nothing moves by itself. What is proposed goes the way of an extension: a preview, and a person confirms or declines. A moment is
moved only if the work days as they were gave it, so that what somebody set otherwise stays; and only to a later one, since nobody
who relied on a date loses time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from engine.definitions import get_definition
from engine.errors import Finding
from engine.expressions import ExpressionFailed
from engine.model import Definition
from engine.moments import SHANGHAI, Due, MomentInvalid, counts_workdays, find_moment, recount
from engine.states import read_states
from engine.tables import OPEN, instance, timer, user_task
from engine.work import Work
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.consultations import WINDOW, find_end
from workflows.extensions.asking import Asked, ExtensionRefused
from workflows.tables import campaign, extension, window
from workflows.workdays import (
    CalendarChange,
    ImportPlan,
    WorkCalendar,
    calendar_after,
    list_changes_since,
    read_calendar,
    undo_changes,
)

Kind = Literal["task", "timer"]
MARK = "WD"
"""What the texts of timers and due dates have in them that count work days."""
UNTIL = "consultation_until"
"""The variable that says when the consultation ends."""


class LaterRow(NamedTuple):
    """A task or an armed timer whose moment would be a later one; `subject` is its instance's business key."""

    kind: Kind
    id: str
    element_id: str
    subject: str
    instance_id: str
    old: datetime
    new: datetime


@dataclass(frozen=True, slots=True)
class Recount:
    """What would be others: tasks and timers, and the window of the consultation (its id, old and new end)."""

    rows: tuple[LaterRow, ...] = ()
    window: tuple[str, datetime, datetime] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Affected:
    """A running campaign of which a change of the work days would make moments later: how many, and the first as it is now."""

    id: str
    title: str
    tasks: int
    timers: int
    window: bool  # the consultation's
    first: datetime


def list_affected(work: Work, plan: ImportPlan) -> list[Affected]:
    """The campaigns whose organisers an import would be proposed to, each with what it would move; nothing is proposed yet."""
    before = read_calendar(work)
    after = calendar_after(before, plan)
    query = sa.select(campaign.c.id).join(instance, instance.c.id == campaign.c.instance_id)
    running = query.where(instance.c.state.in_(("running", "suspended"))).order_by(campaign.c.created_at, campaign.c.id)
    affected = []
    for campaign_id in work.connection.execute(running).scalars().all():
        found = get_campaign(work, campaign_id)
        formers = [before, *undo_changes(before, list_undecided(work, found))]
        counted = find_recount(work, found, formers, after)
        olds = [row.old for row in counted.rows] + ([] if counted.window is None else [counted.window[1]])
        if olds:
            tasks = sum(row.kind == "task" for row in counted.rows)
            timers = len(counted.rows) - tasks
            affected.append(Affected(found.id, found.title, tasks, timers, counted.window is not None, min(olds)))
    return affected


def list_undecided(work: Work, found: Campaign) -> list[CalendarChange]:
    """The changes of the work days about which nobody has decided for this campaign, the latest first."""
    decided = sa.select(sa.func.max(extension.c.at, type_=extension.c.at.type)).where(
        extension.c.campaign_id == found.id, extension.c.recount.is_not(None)
    )
    since = work.connection.execute(decided).scalar() or found.created_at
    return list_changes_since(work, since)


def ask_recount(work: Work, campaign_id: str) -> Asked:
    """What was counted by the work days as they were is to be counted by those that they are.

    Raises CampaignUnknown, ExtensionRefused when they have not changed.
    """
    found = get_campaign(work, campaign_id)
    changes = list_undecided(work, found)
    if not changes:
        raise ExtensionRefused(findings=[Finding("RecountNothing", path="way")])
    return Asked({}, counted=find_recount(work, found, undo_changes(read_calendar(work), changes), read_calendar(work)))


def find_recount(work: Work, found: Campaign, formers: Sequence[WorkCalendar], after: WorkCalendar) -> Recount:
    """The open moments of a campaign that one of the former calendars gave, and that `after` makes later."""
    moved = _find_window(work, found, formers, after)
    variables = {} if moved is None else {UNTIL: moved[2].astimezone(SHANGHAI).isoformat()}
    rows = tuple(_list_rows(work, found, formers, after, variables))
    return Recount(tuple(sorted(rows)), moved, variables)


def _find_window(
    work: Work, found: Campaign, formers: Sequence[WorkCalendar], after: WorkCalendar
) -> tuple[str, datetime, datetime] | None:
    query = sa.select(window).where(window.c.campaign_id == found.id, window.c.name == WINDOW, window.c.cutoff_at > work.now)
    row = work.connection.execute(query).one_or_none()
    if row is None or row.opens_at is None:
        return None
    days = int(found.settings.get("consultation_work_days", 5))
    new = find_end(after, row.opens_at, days)[0]
    if new <= row.cutoff_at or row.cutoff_at not in {find_end(each, row.opens_at, days)[0] for each in formers}:
        return None
    return row.id, row.cutoff_at, new


def _list_rows(
    work: Work, found: Campaign, formers: Sequence[WorkCalendar], after: WorkCalendar, changed: Mapping[str, Any]
) -> Iterator[LaterRow]:
    """The open tasks and armed timers that move; statements do not grow with the number of cases but for the documents read."""
    waiting: dict[str, list[tuple[Kind, sa.Row[Any]]]] = {}
    running = work.connection.execute(_RUNNING, {"campaign": found.id}).scalars()
    counting = [each for each in running if _counts(get_definition(work, each).model)]
    queries: tuple[tuple[Kind, sa.Select[Any]], ...] = (("timer", _TIMERS), ("task", _TASKS))
    for kind, query in queries if counting else ():
        for row in work.connection.execute(query, {"campaign": found.id, "definitions": counting}).all():
            waiting.setdefault(row.instance_id, []).append((kind, row))
    for instance_id, definition, document in read_states(work, sorted(waiting)):
        kernel, model, key = definition.kernel, definition.model, definition.key
        dues = kernel.dues(model, key, document)
        for kind, row in waiting[instance_id]:
            if kind == "task":
                moments = _recount_task(row, model, partial(kernel.variables, model, key, document), formers, after)
            else:
                moments = _recount_timer(row, model, dues.get((row.token, row.element_id)), formers, after, changed)
            if moments is not None and row.due_at in moments[0] and moments[1] > row.due_at:
                yield LaterRow(kind, row.id, row.element_id, row.business_key, instance_id, row.due_at, moments[1])


def _recount_timer(
    row: sa.Row[Any],
    model: Definition,
    due: Due | None,
    formers: Sequence[WorkCalendar],
    after: WorkCalendar,
    changed: Mapping[str, Any],
) -> tuple[set[datetime], datetime] | None:
    """The moments that the former calendars give a timer, and the one that `after` gives; None where work days decide nothing."""
    if due is not None and counts_workdays(due):
        return {recount(due, each.count).at for each in formers}, recount(due, after.count).at
    if changed and UNTIL in _names_of(model, row.element_id):
        return {row.due_at}, datetime.fromisoformat(changed[UNTIL])
    return None


def _recount_task(
    row: sa.Row[Any],
    model: Definition,
    seen: Callable[[str], Mapping[str, Any]],
    formers: Sequence[WorkCalendar],
    after: WorkCalendar,
) -> tuple[set[datetime], datetime] | None:
    """The same of the due date of a task; `seen` gives the variables that its token sees."""
    template = model.nodes[row.element_id].camunda.due_date
    if template is None or MARK not in template.text:
        return None
    try:
        text = str(template.evaluate(seen(row.token)))
        olds = {find_moment(text, row.created_at, workdays=each.count) for each in formers}
        return olds, find_moment(text, row.created_at, workdays=after.count)
    except (ExpressionFailed, MomentInvalid):
        return None


_ALIVE = sa.and_(instance.c.belongs_to == sa.bindparam("campaign"), instance.c.state.in_(("running", "suspended")))
_RUNNING = sa.select(instance.c.definition_id).where(_ALIVE).distinct()


def _select_waiting(table: sa.Table, *columns: sa.Column[Any], which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Rows of the living instances of the campaign `:campaign` that run by one of `:definitions`."""
    own = (table.c.id, table.c.instance_id, table.c.token, table.c.element_id, table.c.due_at, *columns)
    counting = instance.c.definition_id.in_(sa.bindparam("definitions", expanding=True))
    joined = sa.select(*own, instance.c.business_key).join(instance, instance.c.id == table.c.instance_id)
    return joined.where(_ALIVE, counting, which)


_TIMERS = _select_waiting(timer, which=sa.and_(timer.c.kind == "event", timer.c.state == "armed"))
_TASKS = _select_waiting(user_task, user_task.c.created_at, which=sa.and_(OPEN, user_task.c.due_at.is_not(None)))


def _counts(model: Definition) -> bool:
    """Whether a diagram may have a moment that work days decide: one that it calls may, too."""
    for node in model.nodes.values():
        if node.kind == "callActivity":
            return True
        texts = [] if node.camunda.due_date is None else [node.camunda.due_date.text]
        texts += [event.timer.text for event in node.events if event.timer is not None]
        if any(MARK in text or UNTIL in text or "${" in text for text in texts):
            return True
    return False


def _names_of(model: Definition, element_id: str) -> frozenset[str]:
    return frozenset[str]().union(
        *(event.timer.value.names for event in model.nodes[element_id].events if event.timer is not None)
    )
