"""Rows that mirror what an instance waits for: the inbox, timers and event subscriptions. Written with the document.

What opens and closes here is gathered in `Work.writes` and written together.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.candidates import ADD_CANDIDATE, list_members, name_set
from engine.errors import StepFailed
from engine.ids import new_id
from engine.kernel import Closed, Wait, WaitKind
from engine.model import place_of
from engine.moments import MomentInvalid, find_moment
from engine.statements import (
    CLOSE_EXTERNAL,
    CLOSE_SUBSCRIPTION,
    CLOSE_TASK,
    CLOSE_TIMER,
    OPEN_EXTERNAL,
    OPEN_SUBSCRIPTION,
    OPEN_TASK,
    OPEN_TIMER,
    WAKE,
    WAKE_EARLY,
)
from engine.tables import message, message_key, subscription, subscription_key

if TYPE_CHECKING:
    from engine.expressions import Template
    from engine.model import Camunda, Node
    from engine.work import Work

MOST_SETS = 20_000
"""So many sets of candidates are remembered as stored; with more it begins anew."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose rows these are."""

    instance_id: str
    business_key: str
    belongs_to: str | None = None


def open_task(work: Work, place: Place, node: Node, wait: Wait) -> str:
    """The inbox row of a user task, with its candidates; its id."""
    camunda, variables = node.camunda, wait.variables or {}
    task_id = new_id()
    assignee, candidates = find_people(camunda, variables)
    row = {
        "id": task_id,
        "instance_id": place.instance_id,
        "business_key": place.business_key,
        "belongs_to": place.belongs_to,
        "token": wait.token,
        "element_id": node.id,
        "name": node.name or place_of(node.id).element_id,
        "state": "open",
        "revision": 1,
        "assignee": assignee,
        "candidate_set": name_set(candidates),
        "form_key": _text(camunda.form_key, variables),
        "priority": int(_text(camunda.priority, variables) or 50),
        "due_at": _moment(work, camunda.due_date, variables, node),
        "follow_up_at": _moment(work, camunda.follow_up_date, variables, node),
        "created_at": work.now,
    }
    work.writes.add(OPEN_TASK, row)
    _store_set(work, candidates)
    return task_id


def _store_set(work: Work, candidates: Set[tuple[str, str]]) -> None:
    """Store a set of candidates, unless it is known to be there: sets are never changed and never removed."""
    named, known = name_set(candidates), work.engine.stored_sets
    if named is None or named in known:
        return
    for member in list_members(candidates):
        work.writes.add(ADD_CANDIDATE, member)
    if len(known) >= MOST_SETS:
        known.clear()
    work.after_commit.append(lambda: known.add(named))


def find_people(camunda: Camunda, variables: Mapping[str, Any]) -> tuple[str | None, set[tuple[str, str]]]:
    """Who is to do a user task with these variables: its assignee, and (kind, candidate) of those who may claim it.

    Raises ExpressionFailed.
    """
    candidates = {("group", name) for template in camunda.candidate_groups for name in _names(template, variables)}
    candidates |= {("user", name) for template in camunda.candidate_users for name in _names(template, variables)}
    return _text(camunda.assignee, variables), candidates


def close_task(work: Work, place: Place, closed: Closed) -> None:
    """The user task is done, or was taken away by the flow."""
    state = "completed" if closed.reason == "completed" else "cancelled"
    to = {"to_state": state, "to_closed_at": work.now, "to_closed_by": work.by}
    work.writes.add(CLOSE_TASK, {**_where(place, closed), **to})


def open_timer(work: Work, place: Place, wait: Wait, *, kind: str = "event", payload: Mapping[str, Any] | None = None) -> None:
    """The timer row of a waiting timer event (or of a script that is to be run, or a timeout listener)."""
    due_at = wait.due_at or work.now
    timer_id = new_id()
    row = {
        "id": timer_id,
        "unique_key": f"{place.instance_id}:{wait.token}:{timer_id}",
        "kind": kind,
        "instance_id": place.instance_id,
        "token": wait.token,
        "element_id": wait.element_id,
        "payload": dict(payload or {}),
        "subject": place.business_key,
        "due_at": due_at,
        "generation": 1,
        "state": "armed",
        "attempt": 0,
        "next_try_at": due_at,
        "created_at": work.now,
    }
    work.writes.add(OPEN_TIMER, row)
    work.schedule("timer", timer_id, 1, due_at, new=True)


def close_timer(work: Work, place: Place, closed: Closed) -> None:
    """Disarm the timer rows of an event that no longer waits; the one that just fired is past `armed` already."""
    work.writes.add(CLOSE_TIMER, {**_where(place, closed), "to_done_at": work.now})


def open_subscription(work: Work, place: Place, wait: Wait) -> None:
    """Note that a message or signal is waited for; messages that came too early are tried again now."""
    row = {
        "id": new_id(),
        "instance_id": place.instance_id,
        "token": wait.token,
        "element_id": wait.element_id,
        "kind": wait.kind.value,
        "name": wait.name,
        "business_key": place.business_key,
        "created_at": work.now,
    }
    work.writes.add(OPEN_SUBSCRIPTION, row)
    _wake(work, WAKE_EARLY, {"of_business_key": place.business_key, "of_name": wait.name})


def wake_messages(work: Work, which: sa.ColumnElement[bool]) -> None:
    """Try these messages, which may be for the instance, again now: they came when nobody could take them."""
    _wake(work, WAKE.where(which), {})


def _wake(work: Work, statement: sa.Executable, given: Mapping[str, Any]) -> None:
    for row in work.connection.execute(statement, {**given, "to_next_try_at": work.now}).all():
        work.schedule("message", row.id, row.generation, work.now)


def wake_all(work: Work, place: Place) -> None:
    """Try all messages again that came while the instance could not take them."""
    ours = subscription.c.instance_id == place.instance_id
    named = message.c.name.in_(sa.select(subscription.c.name).where(ours))
    keys = sa.select(subscription_key.c.digest).join(subscription).where(ours)
    known = sa.select(message_key.c.message_id).where(message_key.c.digest.in_(keys))
    wake_messages(work, sa.or_(sa.and_(message.c.business_key == place.business_key, named), message.c.id.in_(known)))


def close_subscription(work: Work, place: Place, closed: Closed) -> None:
    """Nobody waits there any more."""
    work.writes.add(CLOSE_SUBSCRIPTION, {**_where(place, closed), "of_name": closed.name})


def open_external(work: Work, place: Place, node: Node, wait: Wait) -> None:
    """The row that workers outside fetch."""
    camunda, variables = node.camunda, wait.variables or {}
    row = {
        "id": new_id(),
        "instance_id": place.instance_id,
        "business_key": place.business_key,
        "token": wait.token,
        "element_id": node.id,
        "topic": _text(camunda.topic, variables) or "",
        "priority": int(_text(camunda.task_priority, variables) or 0),
        "state": "open",
        "generation": 1,
        "attempt": 0,
        "next_try_at": work.now,
        "created_at": work.now,
    }
    work.writes.add(OPEN_EXTERNAL, row)


def close_external(work: Work, place: Place, closed: Closed) -> None:
    """A worker has done it, or the flow has taken it away."""
    to = {"to_state": "done" if closed.reason == "completed" else "cancelled", "to_done_at": work.now}
    work.writes.add(CLOSE_EXTERNAL, {**_where(place, closed), **to})


def _where(place: Place, closed: Closed) -> dict[str, Any]:
    return {"of_instance_id": place.instance_id, "of_token": closed.token, "of_element_id": closed.element_id}


CLOSE = {
    WaitKind.HANDLER: close_external,
    WaitKind.TASK: close_task,
    WaitKind.TIMER: close_timer,
    WaitKind.SCRIPT: close_timer,
    WaitKind.MESSAGE: close_subscription,
    WaitKind.SIGNAL: close_subscription,
}


def _text(template: Template | None, variables: Any) -> str | None:
    value = None if template is None else template.evaluate(variables)
    return None if value is None or value == "" else str(value)


def _names(template: Template, variables: Any) -> list[str]:
    """Candidates of one entry: a text, or an expression that gives a list of texts."""
    value = template.evaluate(variables)
    values = value if isinstance(value, list | tuple) else str(value).split(",")
    return [str(name).strip() for name in values if name is not None and str(name).strip()]


def _moment(work: Work, template: Template | None, variables: Any, node: Node) -> datetime | None:
    value = _text(template, variables)
    if value is None:
        return None
    try:
        return find_moment(value, work.now, workdays=work.workdays)
    except MomentInvalid as problem:
        raise StepFailed(element=node.id, reason=problem) from problem
