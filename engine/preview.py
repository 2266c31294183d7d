"""What an operation would do: the step is really made, on the stored document, and not stored.

A kernel is pure, so the preview is the effect up to the first handler: handlers are not called, they are named as what begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.kernel import Closed, Operation, Wait, WaitKind
from engine.states import read_state
from engine.tables import user_task
from engine.work import Work

SCOPE = "scope"
"""The kind of an open sub-process or call; the other kinds are those of waits (`WaitKind`)."""


@dataclass(frozen=True, slots=True)
class Affected:
    """Something that an operation would end or begin. `kind` is a kind of wait, or `scope`; `task` the row of a user task that
    would be taken away (its people are `assignee` and the candidates)."""

    kind: str
    element_id: str
    name: str
    token: str
    task: sa.Row[Any] | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be cancelled and what would begin. `ends`: the whole instance would be over. `straight`: what is returned would
    come straight back."""

    cancelled: tuple[Affected, ...]
    started: tuple[Affected, ...]
    ends: bool
    straight: bool = False


def preview(work: Work, instance_id: str, operation: Operation) -> Preview:
    """What the operation would do now. Nothing is changed.

    Raises InstanceUnknown, StepFailed, OperationNotSupported: what doing it would raise.
    """
    definition, document = read_state(work, instance_id)
    outcome = definition.kernel.step(definition.model, definition.key, document, operation, work.now, workdays=work.workdays)
    gone = [each.token for each in outcome.closed if each.kind is WaitKind.TASK]
    query = sa.select(user_task).where(user_task.c.instance_id == instance_id, user_task.c.token.in_(gone))
    tasks = {(row.token, row.element_id): row for row in work.connection.execute(query).all()} if gone else {}
    names = {key: node.name or key for key, node in definition.model.nodes.items()}
    scopes = {key for key, node in definition.model.nodes.items() if node.is_scope or node.kind == "callActivity"}

    def of_wait(wait: Wait | Closed, row: sa.Row[Any] | None, due_at: datetime | None) -> Affected:
        return Affected(wait.kind.value, wait.element_id, names[wait.element_id], wait.token, row, due_at)

    def of_scopes(event: str) -> list[Affected]:
        lines = [line for line in outcome.log if line.event == event and line.element_id in scopes]
        return [Affected(SCOPE, line.element_id, names[line.element_id], line.token or "") for line in lines]

    done = {line.token for line in outcome.log if line.event in ("completed", "cancelled")}
    ended = [of_wait(each, tasks.get((each.token, each.element_id)), None) for each in outcome.closed]
    begun = [of_wait(each, None, each.due_at) for each in outcome.opened]
    return Preview(
        cancelled=(*ended, *of_scopes("cancelled")),
        started=(*begun, *(each for each in of_scopes("entered") if each.token not in done)),
        ends=outcome.ended,
        straight=outcome.straight,
    )
