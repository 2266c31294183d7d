"""Moments that were counted by work days, after the work days were changed: which would be others, for who runs the campaign.

Nothing moves by itself. What is proposed goes the way of an extension: a preview, and a person confirms or declines. A moment is
moved only if the work days as they were gave it, so that what somebody set otherwise stays; and only to a later one, since nobody
who relied on a date loses time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from engine.errors import Finding
from engine.expressions import ExpressionFailed
from engine.model import Definition
from engine.moments import SHANGHAI, MomentInvalid, counts_workdays, find_moment, recount
from engine.states import read_state
from engine.tables import instance, timer, user_task
from engine.work import Work
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.consultations import WINDOW, find_end
from workflows.extensions.asking import Asked, ExtensionRefused
from workflows.tables import extension, window
from workflows.workdays import CalendarChange, WorkCalendar, list_changes_since, read_calendar, undo_changes

MARK = "WD"
"""What the texts of timers and due dates have in them that count work days."""
UNTIL = "consultation_until"
"""The variable that says when the consultation ends."""


class LaterRow(NamedTuple):
    """A task or an armed timer whose moment would be a later one; `subject` is its instance's business key."""

    kind: Literal["task", "timer"]
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
    alive = sa.select(instance.c.id, instance.c.definition_id, instance.c.business_key).where(
        instance.c.belongs_to == found.id, instance.c.state.in_(("running", "suspended"))
    )
    counting: dict[str, bool] = {}
    for place in work.connection.execute(alive.order_by(instance.c.id)).all():
        if counting.get(place.definition_id) is False:
            continue
        definition, document = read_state(work, place.id)
        if not counting.setdefault(place.definition_id, _counts(definition.model)):
            continue
        kernel, model, key = definition.kernel, definition.model, definition.key
        dues = kernel.dues(model, key, document)
        armed = sa.select(timer.c.id, timer.c.token, timer.c.element_id, timer.c.due_at).where(
            timer.c.instance_id == place.id, timer.c.kind == "event", timer.c.state == "armed"
        )
        for row in work.connection.execute(armed).all():
            due = dues.get((row.token, row.element_id))
            olds, new = set[datetime](), row.due_at
            if due is not None and counts_workdays(due):
                olds = {recount(due, each.count).at for each in formers}
                new = recount(due, after.count).at
            elif changed and UNTIL in _names_of(model, row.element_id):
                olds, new = {row.due_at}, datetime.fromisoformat(changed[UNTIL])
            if row.due_at in olds and new > row.due_at:
                yield LaterRow("timer", row.id, row.element_id, place.business_key, place.id, row.due_at, new)
        tasks = sa.select(user_task).where(
            user_task.c.instance_id == place.id, user_task.c.state == "open", user_task.c.due_at.is_not(None)
        )
        for row in work.connection.execute(tasks).all():
            template = model.nodes[row.element_id].camunda.due_date
            if template is None or MARK not in template.text:
                continue
            try:
                text = str(template.evaluate(kernel.variables(model, key, document, row.token)))
                olds = {find_moment(text, row.created_at, workdays=each.count) for each in formers}
                new = find_moment(text, row.created_at, workdays=after.count)
            except (ExpressionFailed, MomentInvalid):
                continue
            if row.due_at in olds and new > row.due_at:
                yield LaterRow("task", row.id, row.element_id, place.business_key, place.id, row.due_at, new)


def _counts(model: Definition) -> bool:
    """Whether a diagram has a moment that work days decide."""
    for node in model.nodes.values():
        texts = [] if node.camunda.due_date is None else [node.camunda.due_date.text]
        texts += [event.timer.text for event in node.events if event.timer is not None]
        if any(MARK in text or UNTIL in text or "${" in text for text in texts):
            return True
    return False


def _names_of(model: Definition, element_id: str) -> frozenset[str]:
    return frozenset[str]().union(
        *(event.timer.value.names for event in model.nodes[element_id].events if event.timer is not None)
    )
