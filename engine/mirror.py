"""Rows that mirror what an instance waits for: the inbox, timers and event subscriptions. Written with the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.errors import StepFailed
from engine.ids import new_id
from engine.kernel import Closed, Wait, WaitKind
from engine.model import place_of
from engine.moments import MomentInvalid, parse_instant
from engine.tables import (
    external_task,
    message,
    message_key,
    subscription,
    subscription_key,
    timer,
    user_task,
    user_task_candidate,
)

if TYPE_CHECKING:
    from engine.expressions import Template
    from engine.model import Camunda, Node
    from engine.work import Work


@dataclass(frozen=True, slots=True)
class Place:
    """Whose rows these are."""

    instance_id: str
    business_key: str


def open_task(work: Work, place: Place, node: Node, wait: Wait) -> str:
    """Insert the inbox row of a user task with its candidates; its id."""
    camunda, variables = node.camunda, wait.variables or {}
    task_id = new_id()
    assignee, candidates = find_people(camunda, variables)
    work.connection.execute(
        user_task.insert().values(
            id=task_id,
            instance_id=place.instance_id,
            business_key=place.business_key,
            token=wait.token,
            element_id=node.id,
            name=node.name or place_of(node.id).element_id,
            state="open",
            revision=1,
            assignee=assignee,
            form_key=_text(camunda.form_key, variables),
            priority=int(_text(camunda.priority, variables) or 50),
            due_at=_moment(camunda.due_date, variables, node),
            follow_up_at=_moment(camunda.follow_up_date, variables, node),
            created_at=work.now,
        )
    )
    if candidates:
        work.connection.execute(
            user_task_candidate.insert(),
            [{"task_id": task_id, "kind": kind, "candidate": name} for kind, name in sorted(candidates)],
        )
    return task_id


def find_people(camunda: Camunda, variables: Mapping[str, Any]) -> tuple[str | None, set[tuple[str, str]]]:
    """Who is to do a user task with these variables: its assignee, and (kind, candidate) of those who may claim it.

    Raises ExpressionFailed.
    """
    candidates = {("group", name) for template in camunda.candidate_groups for name in _names(template, variables)}
    candidates |= {("user", name) for template in camunda.candidate_users for name in _names(template, variables)}
    return _text(camunda.assignee, variables), candidates


def close_task(work: Work, place: Place, closed: Closed) -> None:
    """The user task is done, or was taken away by the flow."""
    work.connection.execute(
        user_task.update()
        .where(
            user_task.c.instance_id == place.instance_id,
            user_task.c.token == closed.token,
            user_task.c.element_id == closed.element_id,
            user_task.c.state == "open",
        )
        .values(
            state="completed" if closed.reason == "completed" else "cancelled",
            closed_at=work.now,
            closed_by=work.by,
            revision=user_task.c.revision + 1,
        )
    )


def open_timer(work: Work, place: Place, wait: Wait, *, kind: str = "event", payload: Mapping[str, Any] | None = None) -> None:
    """Arm the timer row of a waiting timer event (or of a script that is to be run, or a timeout listener)."""
    due_at = wait.due_at or work.now
    timer_id = new_id()
    work.connection.execute(
        timer.insert().values(
            id=timer_id,
            unique_key=f"{place.instance_id}:{wait.token}:{wait.element_id}:{due_at:%Y%m%dT%H%M%S.%f}:{timer_id[-8:]}",
            kind=kind,
            instance_id=place.instance_id,
            token=wait.token,
            element_id=wait.element_id,
            payload=dict(payload or {}),
            subject=place.business_key,
            due_at=due_at,
            generation=1,
            state="armed",
            attempt=0,
            next_try_at=due_at,
            created_at=work.now,
        )
    )
    work.engine.backend.schedule(work, "timer", timer_id, 1, due_at, place.instance_id)


def close_timer(work: Work, place: Place, closed: Closed) -> None:
    """Disarm the timer rows of an event that no longer waits; the one that just fired is past `armed` already."""
    work.connection.execute(
        timer.update()
        .where(
            timer.c.instance_id == place.instance_id,
            timer.c.token == closed.token,
            timer.c.element_id == closed.element_id,
            timer.c.state == "armed",
        )
        .values(state="cancelled", done_at=work.now)
    )


def open_subscription(work: Work, place: Place, wait: Wait) -> None:
    """Note that a message or signal is waited for; messages that came too early are tried again now."""
    work.connection.execute(
        subscription.insert().values(
            id=new_id(),
            instance_id=place.instance_id,
            token=wait.token,
            element_id=wait.element_id,
            kind=wait.kind.value,
            name=wait.name,
            business_key=place.business_key,
            created_at=work.now,
        )
    )
    wake_messages(work, place, sa.and_(message.c.business_key == place.business_key, message.c.name == wait.name))


def wake_messages(work: Work, place: Place, which: sa.ColumnElement[bool]) -> None:
    """Try these messages, which may be for the instance, again now: they came when nobody could take them."""
    early = work.connection.execute(
        message.update()
        .where(message.c.state == "unmatched", which)
        .values(state="waiting", next_try_at=work.now, generation=message.c.generation + 1)
        .returning(message.c.id, message.c.generation)
    ).all()
    for row in early:
        work.engine.backend.schedule(work, "message", row.id, row.generation, work.now, place.instance_id)


def wake_all(work: Work, place: Place) -> None:
    """Try all messages again that came while the instance could not take them."""
    ours = subscription.c.instance_id == place.instance_id
    named = message.c.name.in_(sa.select(subscription.c.name).where(ours))
    keys = sa.select(subscription_key.c.digest).join(subscription).where(ours)
    known = sa.select(message_key.c.message_id).where(message_key.c.digest.in_(keys))
    wake_messages(work, place, sa.or_(sa.and_(message.c.business_key == place.business_key, named), message.c.id.in_(known)))


def close_subscription(work: Work, place: Place, closed: Closed) -> None:
    """Nobody waits there any more."""
    work.connection.execute(
        subscription.delete().where(
            subscription.c.instance_id == place.instance_id,
            subscription.c.token == closed.token,
            subscription.c.element_id == closed.element_id,
            *([subscription.c.name == closed.name] if closed.name else []),
        )
    )


def open_external(work: Work, place: Place, node: Node, wait: Wait) -> None:
    """Insert the row that workers outside fetch."""
    camunda, variables = node.camunda, wait.variables or {}
    work.connection.execute(
        external_task.insert().values(
            id=new_id(),
            instance_id=place.instance_id,
            business_key=place.business_key,
            token=wait.token,
            element_id=node.id,
            topic=_text(camunda.topic, variables) or "",
            priority=int(_text(camunda.task_priority, variables) or 0),
            state="open",
            generation=1,
            attempt=0,
            next_try_at=work.now,
            created_at=work.now,
        )
    )


def close_external(work: Work, place: Place, closed: Closed) -> None:
    """A worker has done it, or the flow has taken it away."""
    work.connection.execute(
        external_task.update()
        .where(
            external_task.c.instance_id == place.instance_id,
            external_task.c.token == closed.token,
            external_task.c.element_id == closed.element_id,
            external_task.c.state.in_(("open", "dead")),
        )
        .values(state="done" if closed.reason == "completed" else "cancelled", done_at=work.now)
    )


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


def _moment(template: Template | None, variables: Any, node: Node) -> datetime | None:
    value = _text(template, variables)
    if value is None:
        return None
    try:
        return parse_instant(value)
    except MomentInvalid as problem:
        raise StepFailed(element=node.id, reason=problem) from problem
