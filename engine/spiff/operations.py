"""What people may do beyond completing: move tokens, add and remove instances. Trees are flat, so nothing is grafted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import Finding, OperationNotSupported
from engine.kernel import Place, WaitKind
from engine.model import Definition, Standing, plan_move
from engine.spiff.elements import Activity
from engine.spiff.events import BoundaryEvent
from engine.spiff.gateways import TokenJoin, reach
from engine.spiff.instances import MultiInstance
from engine.spiff.process import Instance
from engine.spiff.scopes import Scope, SubScope, outermost
from engine.spiff.subprocesses import AdHocSubProcess

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


def move(instance: Instance, definition: Definition, tokens: tuple[str, ...], target: str, variables: Mapping[str, Any]) -> None:
    """Put a token before the target, in the innermost scope that has it and holds all tokens; what cannot be beside it goes.

    Instances of a multi-instance activity go with the whole, tokens inside a sub-process with it.
    Raises OperationNotSupported for unknown tokens and for a target that cannot be entered from outside.
    """
    around = [dict(surroundings(find_task(instance, token))) for token in tokens]
    scopes = [scope for scope in (around[0] if around else ()) if target in scope.spec.task_specs]
    scope = next((scope for scope in scopes if all(scope in each for each in around)), None)
    spec = scope.spec.task_specs[target] if scope is not None else None  # an activity begins: it has the tokens that it needs
    if scope is None or spec is None or isinstance(spec, BoundaryEvent) or spec.triggered or spec.for_compensation:
        raise OperationNotSupported(reason=Finding("spiff_move_into", element=target, values={"target": target}))
    if isinstance(spec, TokenJoin) and spec.joins:
        raise OperationNotSupported(reason=Finding("spiff_move_to_join", element=target, values={"target": target}))
    if scope.task_tree.internal_data.get("interrupted"):
        raise OperationNotSupported(reason=Finding("spiff_move_interrupted", element=target, values={"target": target}))
    standing = {
        str(task.id): task for task in scope.live() if "host" not in task.internal_data and task.parent is scope.task_tree
    }
    moved = plan_move(
        definition,
        definition.nodes[target],
        [stand(key, task) for key, task in standing.items()],
        {str(each[scope].id) for each in around},
    )
    if moved.blocked is not None or moved.beside:
        code = "spiff_move_beside" if moved.beside else "spiff_move_quantity"
        raise OperationNotSupported(reason=Finding(code, element=target, values={"target": target}))
    if any(compensating(instance, standing[key]) for key in moved.goes):
        raise OperationNotSupported(reason=Finding("spiff_move_compensating", element=target))
    for key in sorted(moved.goes, key=lambda key: int(standing[key].internal_data["token"])):
        instance.cancel_task(standing[key])
    for flow in moved.arrived:
        instance.token(scope.hang(scope.spec.entry(flow.target), state=TaskState.STARTED, flow=flow.id))
    start_over_from(scope, spec)
    instance.assign_inside(scope, variables)
    activity = scope.spec.task_specs[target]
    if isinstance(activity, Activity):  # at once: it has collected the tokens that it needs
        scope.begin(activity)
    else:
        scope.send(spec)


def start_over_from(scope: Scope, spec: Any) -> None:
    """In an ad-hoc sub-process nothing is decided any more; of a sequential one what is behind the target is still to do."""
    holder = scope.holder if isinstance(scope, SubScope) else None
    if holder is None or not isinstance(holder.task_spec, AdHocSubProcess):
        return
    holder.internal_data.pop("full", None)
    if holder.task_spec.sequential:
        names = [each.name for each in scope.spec.first]
        place = next((index for index, each in enumerate(scope.spec.first) if each is spec or reach(each, spec)), len(names))
        holder.internal_data["todo"] = names[place + 1 :]


def stand(key: str, task: Task) -> Standing:
    """Where a task of the scope stands, for the rule of moves."""
    expects = task.internal_data.get("reset")
    return Standing(key, task.task_spec.bpmn_id, task.internal_data.get("flow"), None if expects is None else tuple(expects))


def compensating(instance: Instance, task: Task) -> bool:
    """Whether compensation is under way at a task or inside it."""
    inside = [task.workflow.tasks[key] for key in task._children]
    scope = instance.subprocesses.get(task.id)
    return "comp" in task.internal_data or any(compensating(instance, each) for each in inside + (scope.live() if scope else []))


def surroundings(task: Task) -> Iterator[tuple[Scope, Task]]:
    """The scopes around a task, innermost first, each with the task right inside it that holds this one."""
    current: Task | None = task
    while current is not None:
        holder = outermost(current)
        scope = holder.workflow
        if not scope.compensates:
            yield scope, holder
        current = scope.holder if isinstance(scope, SubScope) else None


def open_body(instance: Instance, token: str) -> Task:
    """The open multi-instance activity that a token is, or is an instance of. Raises OperationNotSupported."""
    task = find_task(instance, token)
    body = task if "instances" in task.internal_data else task.parent
    if not isinstance(body.task_spec, MultiInstance):
        raise OperationNotSupported(reason=Finding("spiff_no_instance", values={"token": token}))
    return body


def add_instance(instance: Instance, token: str, item: Any, place: Place) -> None:
    """One more instance (加签); in a sequence it has its `place`. Raises OperationNotSupported."""
    body = open_body(instance, token)
    state = body.internal_data["instances"]
    if not body.task_spec.sequential:
        state["n"] += 1
        body.task_spec.open_next(body, item)
        return
    present = next((body.workflow.tasks[key] for key in body._children), None) if place == "before" else None
    if present is not None:
        state["next"] -= 1
        if state["items"] is not None:
            state["items"][state["next"]] = present.internal_data["vars"].get(body.task_spec.item)
        _take_away(instance, present)
        state["left"] += 1
        instance.touched.append(body)
    state["n"] += 1
    state["left"] += 1
    if state["items"] is not None:
        state["items"].insert(len(state["items"]) if place == "last" else state["next"], item)
    instance.changed = True


def remove_instance(instance: Instance, token: str) -> None:
    """One instance less (减签); the activity is done when it was the last. Raises OperationNotSupported."""
    body = open_body(instance, token)
    task = find_task(instance, token)
    if task is body:
        raise OperationNotSupported(reason=Finding("spiff_no_instance", values={"token": token}))
    _take_away(instance, task)
    body.internal_data["instances"]["n"] -= 1
    if body._children:
        body.task_spec.complete_early(body)
    instance.touched.append(body)


def _take_away(instance: Instance, task: Task) -> None:
    if compensating(instance, task):
        raise OperationNotSupported(reason=Finding("spiff_move_compensating", element=task.task_spec.bpmn_id))
    instance.cancel_task(task)
