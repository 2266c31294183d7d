"""The scopes of a running instance: SpiffWorkflow's workflow classes without history.

The library keeps every finished task and walks the whole tree after each completion; it stalls when the tree is deeper than
1 000 and slows down with history. Here a task that is finished leaves the tree at once and its children are hung under the
root, so a scope's tree is its live tasks and nothing else. Joins, boundary events and ends therefore never look at ancestors.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    called = False
    """Whether it is a called process, which has variables of its own."""
    compensates = False
    """Whether it only holds activities that compensate: nothing can start in it by itself."""

    def plant(self) -> None:
        """Give a scope without tasks its root."""
        self.task_tree = Task(self, self.spec.start, state=TaskState.COMPLETED)

    @property
    def scope_token(self) -> str:
        """What waits of the scope itself go by."""
        raise NotImplementedError

    @property
    def open(self) -> bool:
        """Whether it has not gone meanwhile."""
        raise NotImplementedError

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

    def listen(self) -> None:
        """Begin to wait for what starts the event sub-processes."""
        self.task_tree.task_spec.arm(self.task_tree)

    def begin(self, spec: Any, **internal: Any) -> None:
        """Let an activity begin at once, before all tokens on their way."""
        task = self.hang(spec, **internal)
        spec._update(task)
        task.run()

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
        self.closed = False
        self.plant()

    @property
    def holder(self) -> Task:
        """The activity that this is the inside of."""
        return self.top_workflow.get_task_from_id(self.parent_task_id)

    @property
    def scope_token(self) -> str:
        """The token of its activity."""
        return str(self.holder.internal_data["token"])

    @property
    def open(self) -> bool:
        """Whether its activity still holds it."""
        return self.top_workflow.subprocesses.get(self.parent_task_id) is self


def write(layers: list[dict[str, Any]], values: Mapping[str, Any]) -> None:
    """Write each value in the first layer that knows its name, else in the last."""
    for name, value in values.items():
        next((layer for layer in layers if name in layer), layers[-1])[name] = value


def find_catching(events: Iterable[Any], kind: str, code: str | None) -> Any:
    """The event that names the code of an error, escalation or cancellation, else the one that catches all, else None."""
    found = [
        (definition.code is None, place, event)
        for place, event in enumerate(events)
        for event_kind, definition in event.definitions
        if event_kind == kind and definition.code in (None, code)
    ]
    return min(found, key=lambda each: each[:2])[2] if found else None


def find_boundary(host: Task, kind: str, code: str | None) -> Any:
    """The boundary event of an activity that catches; None without one, and while the activity is only compensated."""
    names = () if "comp" in host.internal_data else getattr(host.task_spec, "boundaries", ())
    return find_catching([host.workflow.spec.task_specs[name] for name in names], kind, code)


def outermost(task: Task) -> Task:
    """The task itself, or of an instance the whole multi-instance activity or loop."""
    parent = task.parent
    return parent if parent is not None and "instances" in parent.internal_data else task


def depth(task: Task) -> int:
    """How deep a task is: tasks, multi-instance activities and called processes around it. A scope's root is as deep as its
    activity."""
    scope = task.workflow
    inside = 0 if task is scope.task_tree else 1 + (outermost(task) is not task)
    return inside + (scope.called + depth(scope.holder) if isinstance(scope, SubScope) else 0)


def counters(body: Task) -> dict[str, int]:
    """What a multi-instance activity counts, in the names of the standard (table 10.30) and of Camunda; else nothing."""
    state = body.internal_data.get("instances")
    if state is None or "n" not in state:
        return {}
    counted = {"Instances": state["n"], "ActiveInstances": len(body._children), "CompletedInstances": state["done"]}
    return {prefix + name: value for prefix in ("nrOf", "numberOf") for name, value in counted.items()}
