"""What people may do beyond completing: move tokens, add and remove instances. Trees are flat, so nothing is grafted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from SpiffWorkflow.task import Task

from engine.errors import Finding, OperationNotSupported
from engine.kernel import WaitKind
from engine.spiff.events import BoundaryEvent
from engine.spiff.gateways import TokenJoin
from engine.spiff.instances import MultiInstance
from engine.spiff.process import Instance
from engine.spiff.scopes import Scope, SubScope

WORK = (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT)
"""What is completed from outside."""


def find_task(instance: Instance, token: str) -> Task:
    """The live task with this token. Raises OperationNotSupported."""
    task = instance.find(token)
    if task is None:
        raise OperationNotSupported(reason=Finding("spiff_nothing_waits", values={"token": token}))
    return task


def waiting_task(instance: Instance, token: str) -> Task:
    """The task that waits to be completed. Raises OperationNotSupported."""
    task = find_task(instance, token)
    if not any(row[0] in WORK for row in task.task_spec.waits(task)):
        raise OperationNotSupported(reason=Finding("spiff_nothing_waits", values={"token": token}))
    return task


def move(instance: Instance, tokens: tuple[str, ...], target: str, variables: Mapping[str, Any]) -> None:
    """Take tokens away and put one before the target, in the innermost scope that has it and holds all tokens.

    Instances of a multi-instance activity go with the whole, tokens inside a sub-process with it.
    Raises OperationNotSupported for unknown tokens and for a target that cannot be entered from outside.
    """
    around = [dict(surroundings(find_task(instance, token))) for token in tokens]
    scopes = [scope for scope in (around[0] if around else ()) if target in scope.spec.task_specs]
    scope = next((scope for scope in scopes if all(scope in each for each in around)), None)
    spec = scope.spec.entry(target) if scope is not None else None
    if scope is None or isinstance(spec, BoundaryEvent):
        raise OperationNotSupported(reason=Finding("spiff_move_into", element=target, values={"target": target}))
    if isinstance(spec, TokenJoin) and spec.joins:
        raise OperationNotSupported(reason=Finding("spiff_move_to_join", element=target, values={"target": target}))
    for each in around:
        if each[scope].id in scope.tasks:  # else it went with another one
            instance.cancel_task(each[scope])
    instance.assign_inside(scope, variables)
    scope.send(spec)


def surroundings(task: Task) -> Iterator[tuple[Scope, Task]]:
    """The scopes around a task, innermost first, each with the task right inside it that holds this one."""
    current: Task | None = task
    while current is not None:
        outermost = current.parent if "instances" in current.parent.internal_data else current
        scope = outermost.workflow
        yield scope, outermost
        current = scope.holder if isinstance(scope, SubScope) else None


def open_body(instance: Instance, token: str) -> Task:
    """The open multi-instance activity that a token is, or is an instance of. Raises OperationNotSupported."""
    task = find_task(instance, token)
    body = task if "instances" in task.internal_data else task.parent
    if not isinstance(body.task_spec, MultiInstance):
        raise OperationNotSupported(reason=Finding("spiff_no_instance", values={"token": token}))
    return body


def add_instance(instance: Instance, token: str, item: Any) -> None:
    """One more instance (加签); a sequential activity comes to it last. Raises OperationNotSupported."""
    body = open_body(instance, token)
    state = body.internal_data["instances"]
    state["n"] += 1
    if body.task_spec.sequential:
        state["left"] += 1
        if state["items"] is not None:
            state["items"].append(item)
        instance.changed = True
    else:
        body.task_spec.open_next(body, item)


def remove_instance(instance: Instance, token: str) -> None:
    """One instance less (减签); the activity is done when it was the last. Raises OperationNotSupported."""
    body = open_body(instance, token)
    task = find_task(instance, token)
    if task is body:
        raise OperationNotSupported(reason=Finding("spiff_no_instance", values={"token": token}))
    instance.cancel_task(task)
    body.internal_data["instances"]["n"] -= 1
    instance.touched.append(body)
