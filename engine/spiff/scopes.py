"""The scopes of a running instance: SpiffWorkflow's workflow classes without history.

The library keeps every finished task and walks the whole tree after each completion; it stalls when the tree is deeper than
1 000 and slows down with history. Here a task that is finished leaves the tree at once and its children are hung under the
root, so a scope's tree is its live tasks and nothing else. Joins, boundary events and ends therefore never look at ancestors.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.kernel import WaitKind

if TYPE_CHECKING:
    from engine.spiff.process import Instance

WaitRow = tuple[WaitKind, str, str | None, datetime | None, int]
"""Kind, element, name and due moment of one wait of a task, and which of the element's event definitions it is."""
WaitKey = tuple[WaitKind, str, str, str | None]
"""Kind, token, element and name: what identifies a wait within an instance."""


class Scope:
    """What the process and its sub-processes have in common."""

    tasks: dict[Any, Task]
    task_tree: Task
    top_workflow: Any
    spec: Any

    def plant(self) -> None:
        """Give a scope without tasks its root."""
        self.task_tree = Task(self, self.spec.start, state=TaskState.COMPLETED)

    def live(self) -> list[Task]:
        """The tasks of this scope that are not finished, oldest first."""
        return [task for task in self.tasks.values() if task is not self.task_tree]

    def hang(self, spec: Any, parent: Task | None = None, state: int = TaskState.FUTURE, **internal: Any) -> Task:
        """A new task under the root (or another task) that has not arrived yet."""
        task = (parent or self.task_tree)._add_child(spec, state)
        task.triggered = True
        task.internal_data.update(internal)
        return task

    def send(self, spec: Any) -> None:
        """Put a token before `spec`."""
        spec._update(self.hang(spec))

    def discard(self, task: Task) -> None:
        """Take one task out of the tree; what hangs below it goes under the root."""
        root = self.task_tree
        parent = self.tasks.get(task._parent)
        if parent is not None and task.id in parent._children:
            parent._children.remove(task.id)
        for child in task._children:
            self.tasks[child]._parent = root.id
            root._children.append(child)
        task._children = []
        self.tasks.pop(task.id, None)
        self.top_workflow.touched.append(self)

    def _task_completed_notify(self, task: Task) -> None:
        """The library's notice that a task is done (it would walk the tree here)."""
        self.discard(task)

    def update_waiting_tasks(self) -> None:
        """Nothing: tasks that wait are told when something happens."""

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        """No walk of the tree for each log line."""
        return dct or {}


class SubScope(Scope, BpmnSubWorkflow):
    """An open sub-process, or a called process, which has variables of its own (`data`); `closed` hides those around it."""

    def __init__(self, spec: Any, parent_task_id: Any, top_workflow: Instance) -> None:
        super().__init__(spec, parent_task_id, top_workflow, deserializing=True)
        self.called = self.closed = False
        self.plant()

    @property
    def holder(self) -> Task:
        """The activity that this is the inside of."""
        return self.top_workflow.get_task_from_id(self.parent_task_id)


def write(layers: list[dict[str, Any]], values: Mapping[str, Any]) -> None:
    """Write each value in the first layer that knows its name, else in the last."""
    for name, value in values.items():
        next((layer for layer in layers if name in layer), layers[-1])[name] = value


def find_boundary(host: Task, kind: str, code: str | None) -> Any:
    """The boundary event of an activity that names the code, else the one that catches all; None without either."""
    specs = [host.workflow.spec.task_specs[name] for name in getattr(host.task_spec, "boundaries", ())]
    found = [
        (definition.code is None, place, spec)
        for place, spec in enumerate(specs)
        for event_kind, definition in spec.definitions
        if event_kind == kind and definition.code in (None, code)
    ]
    return min(found, key=lambda each: each[:2])[2] if found else None


def depth(task: Task) -> int:
    """How deep a task is: tasks, multi-instance activities and called processes around it."""
    inside = 1 + ("instances" in task.parent.internal_data)
    scope = task.workflow
    return inside + (scope.called + depth(scope.holder) if isinstance(scope, SubScope) else 0)


def counters(body: Task) -> dict[str, int]:
    """What a multi-instance activity counts, in the names of the standard (table 10.30) and of Camunda; else nothing."""
    state = body.internal_data.get("instances")
    if state is None or "n" not in state:
        return {}
    counted = {"Instances": state["n"], "ActiveInstances": len(body._children), "CompletedInstances": state["done"]}
    return {prefix + name: value for prefix in ("nrOf", "numberOf") for name, value in counted.items()}
