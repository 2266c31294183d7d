"""Compensation (BPMN 2.0.2, 10.7 and 13.5.5): what was completed is undone, last first.

The root of each scope keeps in `done` what was completed there and can be compensated (`Activity.remember`). A compensation that
is under way is a task with what is still to be undone (`comp`) and what follows (`then`). It holds a scope of its own, on the
spec of what is compensated, in which the activities live that undo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.spiff.scopes import Scope, SubScope, outermost

if TYPE_CHECKING:
    from engine.spiff.process import Instance


def begin(my_task: Task, activity: str | None, then: str) -> None:
    """Compensate `activity`, or all of the scope that the event `my_task` throws in: from an event sub-process the scope around
    (clause 10.7.1). `then`: `leave` the event, `cancel` its transaction, or nothing.
    """
    scope: Scope = my_task.workflow
    around = scope.holder.workflow if isinstance(scope, SubScope) and scope.holder.task_spec.triggered else scope
    state = around.task_tree.internal_data
    done = state.pop("done", [])
    chosen = [entry for entry in done if activity in (None, entry["at"])]
    rest = [entry for entry in done if activity not in (None, entry["at"])]
    if rest:
        state["done"] = rest
    _open(scope, my_task.task_spec, around.spec, comp=chosen, then=then)


def _open(scope: Scope, spec: Any, inside: Any, **internal: Any) -> SubScope:
    """A compensation on its way in a scope, at the element `spec`; what undoes will live on the spec `inside`."""
    top: Instance = scope.top_workflow
    task = scope.hang(spec, state=TaskState.STARTED, **internal)
    top.token(task)
    level = top.create_subprocess(task, inside.name)
    level.compensates = True
    top.touched.append(level)
    return level


def go_on(level: SubScope) -> None:
    """Nothing moves in the scope of a compensation: undo the next, or go on with what follows."""
    top: Instance = level.top_workflow
    entries: list[dict[str, Any]] = level.holder.internal_data["comp"]
    if not entries:
        _finish(level.holder)
        return
    entry = entries.pop()
    specs = level.spec.task_specs
    spec = specs[entry["at"]]
    single = specs[spec.task_spec] if isinstance(spec, LoopTask) else spec
    if "vars" in entry:  # seen by whatever undoes it
        bare = {key: value for key, value in entry.items() if key != "vars"}
        _open(level, spec, level.spec, comp=[bare], then="", vars=dict(entry["vars"]))
    elif spec.compensation is not None:
        level.begin(specs[spec.compensation])
    else:
        inner, done = top.subprocess_specs[single.spec], entry.get("done", [])
        start = inner.start.undoing()
        if start is None:  # by default everything that was completed inside
            _open(level, spec, inner, comp=done, then="")
        else:
            root = _open(level, spec, inner, comp=[], then="").task_tree
            root.internal_data["done"] = done
            root.task_spec.open(root, start)


def _finish(task: Task) -> None:
    """All is undone."""
    scope: Scope = task.workflow
    top: Instance = scope.top_workflow
    del top.subprocesses[task.id]
    if task.internal_data["then"] == "leave":
        task.task_spec.pass_on(task)
        return
    if task.internal_data["then"] == "cancel" and not top.raise_code(task, "cancel", None) and isinstance(scope, SubScope):
        top.cancel_task(outermost(scope.holder))  # nobody catches it: the transaction is over, and nothing leaves it
    scope.discard(task)
