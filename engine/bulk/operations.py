"""What can be done to many things at once: the engine's own operations, and those that the rooms above register by name.

An operation does one item within a unit of work that it shares with the other items of its chunk. Before the first item it locks
all that they will change, in the one order of locks, so that a chunk and a person's step wait for each other and never crosswise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine.definitions import latest_definition
from engine.delivery import bring_message, lock_receivers
from engine.errors import Problem, TaskAlreadyCompleted
from engine.instances import cancel_instance, resume_instance, set_variables, start_instance, suspend_instance
from engine.messages import KEEP, send_message
from engine.runs import start_lock
from engine.tables import instance, user_task
from engine.tasks import complete_task, get_task, hold_tasks
from engine.work import Work

Item = Mapping[str, Any]
CHUNK = 50
"""Items of a chunk, unless its operation says otherwise: the commit is shared by many, its locks are held for moments."""


class BulkOperationUnknown(Problem):
    """Nobody registered a bulk operation of this name. Values: `name`."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One operation on many things.

    `do` does one item (its own values over those that all share) and gives its result (JSON) or None; the second argument is what
    `enter` gave. `enter` is called once for a chunk: it locks what the items will change and reads what they share. Both get the
    same unit of work. `refuse` is called, in a unit that lasts, for an item that was refused: it may write what is to be kept of
    it, and what it gives other than None makes the item count as done with that result. `chunk` is the number of items of one
    transaction. With `together` the rows of all steps of a chunk are written at its end, one statement for all of a kind: for an
    operation that reads nothing that the step of another item has written. `finish` is called once, with the job's id, in the
    transaction that does the last of a job: not for one that was cancelled, and of one that was stuck when it is mended.
    """

    do: Callable[[Work, Item, Any], Mapping[str, Any] | None]
    enter: Callable[[Work, Sequence[Item]], Any] = lambda work, items: None
    refuse: Callable[[Work, Item, Problem, Any], Mapping[str, Any] | None] = lambda work, item, problem, shared: None
    chunk: int = CHUNK
    together: bool = False
    finish: Callable[[Work, str], None] | None = None


def find_operation(work: Work, name: str) -> BulkOperation:
    """The operation of a name: of those that the rooms above registered (`ProcessEngine.bulk`), or the engine's own.

    Raises BulkOperationUnknown.
    """
    found: BulkOperation | None = work.engine.bulk.get(name) or OPERATIONS.get(name)
    if found is None:
        raise BulkOperationUnknown(name=name)
    return found


def lock_instances(work: Work, ids: Iterable[str]) -> None:
    """Lock instances in the order of their ids; those that do not exist are passed over."""
    if work.connection.dialect.name == "postgresql":
        query = sa.select(instance.c.id).where(instance.c.id.in_(sorted(set(ids)))).order_by(instance.c.id)
        work.connection.execute(query.with_for_update()).all()


def lock_tasks(work: Work, task_ids: Iterable[str]) -> None:
    """Lock the instances of these user tasks, as whoever completes one does."""
    if work.connection.dialect.name == "postgresql":
        owners = sa.select(user_task.c.instance_id).where(user_task.c.id.in_(sorted(set(task_ids))))
        lock_instances(work, work.connection.execute(owners).scalars())


# ---- start -----------------------------------------------------------------------------------------------------------
def _start(work: Work, item: Item, shared: Any) -> Mapping[str, Any]:
    definition_id = item.get("definition") or latest_definition(work, item["process"]).id
    given, belongs_to = item.get("variables") or {}, item.get("belongs_to")
    return {"instance": start_instance(work, definition_id, item["business_key"], given, belongs_to=belongs_to)}


def _lock_starts(work: Work, items: Sequence[Item]) -> None:
    work.hold(start_lock(item["business_key"]) for item in items)


# ---- complete --------------------------------------------------------------------------------------------------------
def _complete(work: Work, item: Item, held: Mapping[str, sa.Row[Any]]) -> None:
    given, task_id = item.get("variables") or {}, item["task"]
    complete_task(work, task_id, given, form=item.get("form"), revision=item.get("revision"), held=held.get(task_id))


def tell_who(work: Work, problem: Problem, task_id: str) -> Problem:
    """A refusal for a task that is over, with who ended it (a person's id, None: the flow) and when."""
    if isinstance(problem, TaskAlreadyCompleted):
        row = get_task(work, task_id)
        problem.values.update(by=row.closed_by, at=None if row.closed_at is None else row.closed_at.isoformat(), state=row.state)
    return problem


def _tell_who(work: Work, item: Item, problem: Problem, shared: Any) -> None:
    tell_who(work, problem, item["task"])


# ---- correlate -------------------------------------------------------------------------------------------------------
def _correlate(work: Work, item: Item, shared: Any) -> Mapping[str, Any]:
    message_id = _send(work, item, now=False)
    return {"message": message_id, "state": bring_message(work, message_id)}


def _send_later(work: Work, item: Item, problem: Problem, shared: Any) -> Mapping[str, Any]:
    """It could not be brought at once: it goes the way of a single message, with its tries, its report and its incident."""
    return {"message": _send(work, item, now=True), "state": "waiting"}


def _send(work: Work, item: Item, *, now: bool) -> str:
    return send_message(
        work,
        item["name"],
        item.get("business_key", ""),
        item.get("variables"),
        correlation=item.get("correlation"),
        unique_key=item.get("unique_key"),
        sent_by=item.get("sent_by"),
        keep=KEEP if item.get("keep") is None else timedelta(seconds=item["keep"]),
        scheduled=now,
    )


def _lock_receivers(work: Work, items: Sequence[Item]) -> None:
    lock_receivers(work, {item["business_key"] for item in items if item.get("business_key")})


# ---- instances -------------------------------------------------------------------------------------------------------
def _on_instances(do: Callable[[Work, Item], None]) -> BulkOperation:
    return BulkOperation(
        lambda work, item, shared: do(work, item), lambda work, items: lock_instances(work, (item["instance"] for item in items))
    )


OPERATIONS: dict[str, BulkOperation] = {
    "start": BulkOperation(_start, _lock_starts, together=True),
    "complete": BulkOperation(
        _complete, lambda work, items: hold_tasks(work, [item["task"] for item in items]), refuse=_tell_who, together=True
    ),
    "correlate": BulkOperation(_correlate, _lock_receivers, refuse=_send_later),
    "cancel": _on_instances(lambda work, item: cancel_instance(work, item["instance"], reason=item["reason"])),
    "suspend": _on_instances(lambda work, item: suspend_instance(work, item["instance"], reason=item["reason"])),
    "resume": _on_instances(lambda work, item: resume_instance(work, item["instance"])),
    "set_variables": _on_instances(lambda work, item: set_variables(work, item["instance"], item["variables"])),
}
"""The engine's own. Items: `start` {process (key) or definition (id), business_key, variables, belongs_to} → {instance};
`complete` {task, variables, form, revision}; `correlate` {name, business_key, variables, correlation, unique_key, sent_by, keep
(seconds)} → {message, state}; `cancel` and `suspend` {instance, reason}; `resume` {instance}; `set_variables` {instance,
variables}."""
