"""External tasks: work that programs outside fetch by its topic, do, and report back.

A worker has what it fetched until its lease ends; then another one may fetch it. Who reports on a task that is no longer theirs
is told so and changes nothing. The locks are taken as everywhere: the instance, then its row; fetching takes rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.history import record_entry
from engine.incidents import open_incident
from engine.instances import instance_variables
from engine.kernel import Complete, Throw
from engine.runs import Run
from engine.states import definition_of
from engine.tables import external_task, instance
from engine.work import Work

MOST_FETCHED = 100
"""Tasks at once."""
LONGEST_LEASE = timedelta(days=7)
LONGEST_ERROR = 2_000
"""Characters of what a worker says about a failure; the rest is cut off."""


class ExternalTaskUnknown(Problem):
    """No external task has this id."""

    kind = "missing"


class ExternalTaskOver(Problem):
    """The task is done, or the flow has taken it away; nothing was changed. Value `state`."""

    kind = "conflict"


class ExternalTaskLost(Problem):
    """The worker does not have this task (any more): its lease ended and another one may have fetched it. Nothing was changed."""

    kind = "conflict"


class LeaseTooLong(Problem):
    """A lease has to end between now and `LONGEST_LEASE` from now. Value `days`."""


@dataclass(frozen=True, slots=True)
class ExternalTask:
    """A task in the hands of a worker. `variables` are what the element sees, `properties` its `camunda:property` values.

    `retries` is what the last worker that failed said is left; None when none has.
    """

    id: str
    topic: str
    priority: int
    business_key: str
    instance_id: str
    element_id: str
    process: str
    version: int
    variables: Mapping[str, Any]
    properties: Mapping[str, str]
    retries: int | None
    last_error: str | None
    locked_until: datetime
    created_at: datetime


def fetch_tasks(work: Work, topics: Sequence[str], worker: str, *, lock_for: timedelta, most: int = 1) -> list[ExternalTask]:
    """Take up to `most` tasks of these topics for a worker: higher priority first, then older ones. Two never get the same.

    Tasks of suspended instances rest. Raises LeaseTooLong.
    """
    until = _until(work, lock_for)
    table = external_task.c
    free = (
        sa.select(table.id)
        .join(instance, instance.c.id == table.instance_id)
        .where(table.state == "open", table.topic.in_(topics), table.next_try_at <= work.now, instance.c.state == "running")
        .where(sa.or_(table.lease_until.is_(None), table.lease_until <= work.now))
        .order_by(table.priority.desc(), table.created_at, table.id)
        .limit(min(most, MOST_FETCHED))
        .with_for_update(of=external_task, skip_locked=True)
    )
    chosen = work.connection.execute(free).scalars().all()
    found = []
    for task_id in chosen:
        row = work.connection.execute(
            external_task.update()
            .where(table.id == task_id)
            .values(lease_by=worker, lease_until=until, generation=table.generation + 1)
            .returning(external_task)
        ).one()
        found.append(_tell(work, row))
    return found


def complete_external(work: Work, task_id: str, worker: str, variables: Mapping[str, Any] | None = None) -> None:
    """The work is done: `variables` are written to the instance and the token goes on.

    Raises ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost, InstanceNotRunning, StepFailed, and what a handler raises.
    """
    run, row = _enter(work, task_id, worker)
    run.step(Complete(row.token, dict(variables or {})))
    run.settle()
    run.save("worked", element_id=row.element_id, token=row.token, detail={"external": row.id, "worker": worker})


def throw_external(
    work: Work, task_id: str, worker: str, code: str, *, message: str | None = None, variables: Mapping[str, Any] | None = None
) -> None:
    """The work has ended in a BPMN error: an error boundary event catches it, else the process ends with it.

    Raises as `complete_external`.
    """
    run, row = _enter(work, task_id, worker)
    run.step(Throw(row.token, code, variables=dict(variables or {}), message=message))
    run.settle()
    detail = {"external": row.id, "worker": worker, "code": code, "message": message}
    run.save("thrown", element_id=row.element_id, token=row.token, detail=detail)


def fail_external(
    work: Work, task_id: str, worker: str, error: str, *, retries: int = 0, retry_after: timedelta = timedelta()
) -> None:
    """The work failed: it can be fetched again after a while, or becomes an incident when no `retries` are left.

    Raises ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost.
    """
    row = _hold(work, task_id, worker)
    text, dead = error[:LONGEST_ERROR], retries <= 0
    _set(
        work,
        row,
        state="dead" if dead else "open",
        attempt=row.attempt + 1,
        retries=max(retries, 0),
        last_error=text,
        next_try_at=work.now + min(retry_after, LONGEST_LEASE),
        lease_by=None,
        lease_until=None,
    )
    detail = {"external": row.id, "worker": worker, "retries": max(retries, 0)}
    record_entry(work, row.instance_id, "work_failed", element_id=row.element_id, token=row.token, detail=detail)
    if dead:
        place = {"row_id": row.id, "instance_id": row.instance_id, "element_id": row.element_id}
        open_incident(work, "external", "ExternalTaskFailed", text, **place)


def extend_lease(work: Work, task_id: str, worker: str, *, lock_for: timedelta) -> datetime:
    """Keep a task for so long from now; the moment at which the lease ends.

    Raises ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost, LeaseTooLong.
    """
    until = _until(work, lock_for)
    _set(work, _hold(work, task_id, worker), lease_until=until)
    return until


def release_external(work: Work, task_id: str, worker: str) -> None:
    """Give a task back undone: anybody may fetch it at once.

    Raises ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost.
    """
    _set(work, _hold(work, task_id, worker), lease_by=None, lease_until=None)


def _until(work: Work, lock_for: timedelta) -> datetime:
    if not timedelta() < lock_for <= LONGEST_LEASE:
        raise LeaseTooLong(days=LONGEST_LEASE.days)
    return work.now + lock_for


def _tell(work: Work, row: sa.Row[Any]) -> ExternalTask:
    loaded = definition_of(work, row.instance_id)
    return ExternalTask(
        id=row.id,
        topic=row.topic,
        priority=row.priority,
        business_key=row.business_key,
        instance_id=row.instance_id,
        element_id=row.element_id,
        process=loaded.key,
        version=loaded.version,
        variables=instance_variables(work, row.instance_id, token=row.token),
        properties=loaded.model.nodes[row.element_id].camunda.properties,
        retries=row.retries,
        last_error=row.last_error,
        locked_until=row.lease_until,
        created_at=row.created_at,
    )


def _find(work: Work, task_id: str) -> sa.Row[Any]:
    row = work.connection.execute(sa.select(external_task).where(external_task.c.id == task_id)).one_or_none()
    if row is None:
        raise ExternalTaskUnknown()
    return row


def _enter(work: Work, task_id: str, worker: str) -> tuple[Run, sa.Row[Any]]:
    """The instance to advance; a task that is over is told before an instance that is."""
    row = _hold(work, task_id, worker)
    return Run.load(work, row.instance_id), row


def _hold(work: Work, task_id: str, worker: str) -> sa.Row[Any]:
    """Lock the instance, then look at the task: still open, and in the hands of this worker?

    A lease that has ended counts as long as nobody else has fetched the task.
    """
    row = _find(work, task_id)
    work.connection.execute(sa.select(instance.c.id).where(instance.c.id == row.instance_id).with_for_update())
    row = work.connection.execute(sa.select(external_task).where(external_task.c.id == task_id).with_for_update()).one()
    if row.state in ("done", "cancelled"):
        raise ExternalTaskOver(state=row.state)
    if row.state == "dead" or row.lease_by != worker:
        raise ExternalTaskLost()
    return row


def _set(work: Work, row: sa.Row[Any], **values: Any) -> None:
    work.connection.execute(external_task.update().where(external_task.c.id == row.id).values(**values))
